//! What the kernel does with our programs: real sockets and a real device in a network namespace of their own.

mod namespace;

use std::net::{IpAddr, SocketAddr, UdpSocket as Plain};
use std::os::fd::AsRawFd;

use jvpn_io::offload::{FRAME_MAX, destination};
use jvpn_io::steering::AddressTable;
use jvpn_io::sys::{WaitSet, wait};
use jvpn_io::tun::Tun;
use jvpn_io::udp::{RecvBatch, UdpOptions, UdpSocket};

const PATIENCE_US: u64 = 5_000_000;
const WORKERS: u8 = 3;
const VIRTIO: usize = 10;

#[test]
fn datagrams_reach_the_socket_that_their_index_names() {
    namespace::run("datagrams_reach_the_socket_that_their_index_names", || {
        namespace::ip("link set lo up");
        for bind in ["127.0.0.1:0", "[::1]:0"] {
            let bind: SocketAddr = bind.parse().expect("an address");
            let options = UdpOptions { bind, device: None, reached_address: true, mark: 0, gso: true, gro: true };
            let group = UdpSocket::open_group(&options, WORKERS).expect("a group");
            let to = group[0].local_addr().expect("bound");
            assert!(UdpSocket::open(&UdpOptions { bind: to, ..options.clone() }).is_err(), "the address is taken");
            for low in 0..=255 {
                // Whoever sends, and whatever the type.
                let sender = Plain::bind((bind.ip(), 0)).expect("bound");
                sender.send_to(&[0x10, 0, 0, 0, low, 1, 2, 3, 4], to).expect("sent");
                let socket = &group[usize::from(low % WORKERS)];
                until_readable(socket);
                let mut batch = RecvBatch::default();
                assert_eq!(socket.recv_batch(&mut batch).expect("received"), 1);
                let message = batch.messages().next().expect("one");
                assert_eq!(message.bytes[4], low);
            }
        }
    });
}

#[test]
fn inner_packets_reach_the_queue_of_their_session() {
    namespace::run("inner_packets_reach_the_queue_of_their_session", || {
        let queues = Tun::create_queues("jvpn-t", 1400, true, WORKERS).expect("a device");
        let table = AddressTable::new().expect("a table");
        table.steer(&queues[0]).expect("a program");
        namespace::ip("address add 10.77.0.1/24 dev jvpn-t");
        namespace::ip("address add fd77::1/64 dev jvpn-t nodad");
        let address = |text: String| text.parse::<IpAddr>().expect("an address");
        let arrives = |at: usize, to: IpAddr| {
            let from = if to.is_ipv4() { "10.77.0.1:0" } else { "[fd77::1]:0" };
            Plain::bind(from).expect("bound").send_to(b"jump", (to, 9)).expect("sent");
            let mut frame = vec![0; FRAME_MAX];
            loop {
                until_readable(&queues[at]);
                let length = queues[at].read(&mut frame).expect("a frame");
                // The kernel greets a new link too.
                if destination(&frame[VIRTIO..length]) == Some(to) {
                    return;
                }
            }
        };
        for session in 1..=20 {
            for to in [address(format!("10.77.0.{}", session + 1)), address(format!("fd77::{}", session + 1))] {
                arrives(0, to);
                table.set(to, session);
                assert_eq!(table.get(to), Some(session));
                arrives(session as usize % usize::from(WORKERS), to);
                table.set(to, session + 1);
                arrives((session + 1) as usize % usize::from(WORKERS), to);
                table.remove(to);
                assert_eq!(table.get(to), None);
                arrives(0, to);
            }
        }
    });
}

fn until_readable(source: &impl AsRawFd) {
    let mut set = WaitSet::default();
    set.add(source.as_raw_fd());
    wait(&mut set, Some(PATIENCE_US)).expect("waited");
    assert!(set.is_ready(0), "it went elsewhere");
}
