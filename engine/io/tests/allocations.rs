//! The engine allocates nothing for a packet. The allocations are counted for every kind of traffic.

#[path = "pipeline/mod.rs"]
mod pipeline;
#[path = "../../proto/tests/world/mod.rs"]
mod world;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    io,
    net::{Ipv4Addr, SocketAddr},
};

use jvpn_io::udp::{RecvBatch, UdpOptions, UdpSocket};

use crate::pipeline::{Pipeline, datagram, tcp_acknowledgement, tcp_superframe};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, with a count of this thread's allocations.
struct Counting;

// SAFETY: every call goes to the system's allocator unchanged; counting only touches a constant-initialised
// thread-local.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller gives the same guarantees.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller gives the same guarantees.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller gives the same guarantees.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count() {
    let _ = ALLOCATIONS.try_with(|allocations| allocations.set(allocations.get() + 1));
}

fn allocations_of(work: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

#[test]
fn no_packet_allocates_between_two_devices() {
    let mut pipeline = Pipeline::new();
    let frames = [tcp_superframe(47), tcp_acknowledgement(), datagram(1_372), datagram(64)];
    let mut packets = 0;
    // The first packets grow the replay window and register the session for statistics, once.
    for frame in &frames {
        packets += pipeline.pass(frame);
        pipeline.rest();
    }
    for round in 0..500 {
        for frame in &frames {
            let allocated = allocations_of(|| packets += pipeline.pass(frame));
            assert_eq!(allocated, 0, "round {round}, a frame of {} bytes", frame.len());
            pipeline.rest();
        }
    }
    let passed = pipeline.passed(packets);
    assert_eq!((passed.packets, passed.writes), (501 * 50, 501 * 4));
}

#[test]
fn neither_sending_nor_receiving_a_batch_allocates() -> io::Result<()> {
    let bind = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let open =
        || UdpSocket::open(&UdpOptions { bind, device: None, reached_address: true, mark: 0, gso: true, gro: true });
    let (from, to) = (open()?, open()?);
    let target = to.local_addr()?;
    let mut batch = RecvBatch::default();
    let bytes = vec![7; 40 * 1_400];
    let mut got = 0;
    for round in 0..100 {
        let allocated = allocations_of(|| {
            assert_eq!(from.send_gso(target, None, &bytes, 1_400), Ok(()));
            while to.recv_batch(&mut batch).is_ok() {
                got +=
                    batch.messages().flat_map(jvpn_io::udp::Message::datagrams).map(|part| part.len()).sum::<usize>();
            }
        });
        assert_eq!(allocated, 0, "round {round}");
    }
    assert_eq!(got, 100 * bytes.len());
    Ok(())
}
