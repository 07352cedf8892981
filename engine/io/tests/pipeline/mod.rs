//! The packet path in memory: a TUN frame is split, sealed, opened and coalesced by two real endpoints, without a
//! system call.
//!
//! ```text
//!   frame ─► split ─► seal_inner ─► one buffer ─► receive ─► Burst ─► counted
//!            └───────── client ──────────┘        └──── gateway ────┘
//! ```

use std::{io, io::IoSlice, net::Ipv4Addr};

use jvpn_io::{
    checksum::Sum,
    offload::{Coalescer, FrameSink, WriteOffload, clamp_mss, may_begin, source, split},
};
use jvpn_proto::{
    endpoint::{Received, Route},
    messages::SessionHandle,
    wire::{DATA_HEADER, TAG},
};

use crate::world::{CLIENT_INNER, World, client_address, gateway_route};

const SERVER_INNER: Ipv4Addr = Ipv4Addr::new(10, 80, 0, 1);
/// Microseconds between frames: 64 KiB at 5 Gbit/s.
const PACE_US: u64 = 105;
const MSS: usize = 1_368;
const TCP_HEADERS: usize = 20 + 32;
const UDP_HEADERS: usize = 20 + 8;
const VIRTIO: usize = 10;
const NEEDS_CSUM: u8 = 1;
const GSO_TCPV4: u8 = 1;

/// Two endpoints with one attached session, and the buffers between them.
pub struct Pipeline {
    world: World,
    session: SessionHandle,
    from: Route,
    wire: Box<[u8]>,
    coalescer: Coalescer,
    sink: Counted,
}

/// The output of the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Passed {
    pub packets: u64,
    pub writes: u64,
    pub bytes: u64,
}

#[derive(Debug, Default)]
struct Counted {
    writes: u64,
    bytes: u64,
}

impl FrameSink for Counted {
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<()> {
        self.writes += 1;
        self.bytes += parts.iter().map(|part| part.len() as u64).sum::<u64>() - VIRTIO as u64;
        Ok(())
    }
}

impl Pipeline {
    pub fn new() -> Self {
        let mut world = World::ready(&[1], 50);
        world.flow = [0, 0];
        let session = world.session();
        let from = gateway_route(client_address(1));
        let offload = WriteOffload { checksum: true, tcp: true, udp: true };
        Self {
            world,
            session,
            from,
            wire: vec![0; 1 << 17].into_boxed_slice(),
            coalescer: Coalescer::new(offload),
            sink: Counted::default(),
        }
    }

    /// Passes one frame from the client's TUN to the gateway's. Returns the number of its packets.
    pub fn pass(&mut self, frame: &[u8]) -> u64 {
        let (used, segment) = self.seal(frame);
        self.open(used, segment)
    }

    /// Advances time as between two frames of a fast stream: timers, probes, acknowledgements.
    pub fn rest(&mut self) {
        self.world.run(PACE_US);
        self.world.reports.clear();
    }

    pub fn passed(&self, packets: u64) -> Passed {
        Passed { packets, writes: self.sink.writes, bytes: self.sink.bytes }
    }

    fn seal(&mut self, frame: &[u8]) -> (usize, usize) {
        let (now, client) = (self.world.now, &mut self.world.client);
        let mut segments = split(frame).expect("a frame of a TUN");
        assert_eq!(client.route_inner(segments.destination()), Some(self.session));
        let to = client.send_route(self.session, now).expect("attached");
        assert!(segments.fit(usize::from(to.packet_max)), "the path carries all of it");
        assert!(to.elides_checksums, "both ends are of this version");
        let (mut used, mut first, mut count) = (0, 0, 0);
        while let Some(packet) = segments.next() {
            let space = &mut self.wire[used..];
            let sealed = client
                .seal_inner(self.session, now, space, packet.head, packet.body, packet.csum_partial)
                .expect("room, and a fresh key");
            assert_eq!(sealed, DATA_HEADER + packet.len() + TAG);
            first = first.max(sealed);
            used += sealed;
            count += 1;
        }
        client.sent(self.session, to.path, now, count, used as u32);
        (used, first)
    }

    fn open(&mut self, used: usize, segment: usize) -> u64 {
        let (now, gateway) = (self.world.now, &mut self.world.gateway);
        let mut burst = self.coalescer.burst(&mut self.sink);
        let mut allowed = None;
        for datagram in self.wire[..used].chunks_mut(segment) {
            let received = gateway.receive(now, self.from, datagram);
            let Received::Inner { session, range, csum_partial } = received else { panic!("{received:?}") };
            let packet = &mut datagram[range];
            let claimed = source(packet).map(|source| (session, source));
            if allowed != claimed {
                allowed = claimed.filter(|(session, source)| gateway.source_allowed(*session, *source));
            }
            if may_begin(packet) {
                clamp_mss(packet, usize::from(gateway.packet_advised(session)), csum_partial);
            }
            assert!(allowed.is_some());
            burst.push(packet, csum_partial).expect("a packet of the peer");
        }
        let flushed = burst.finish();
        assert_eq!(flushed.lost, 0);
        u64::from(flushed.packets)
    }
}

/// A TCP superframe of `segments` full segments, as the kernel delivers it.
pub fn tcp_superframe(segments: usize) -> Vec<u8> {
    let mut frame = packet(6, TCP_HEADERS, segments * MSS);
    frame[1] = GSO_TCPV4;
    frame[4..6].copy_from_slice(&(MSS as u16).to_ne_bytes());
    frame
}

/// An acknowledgement without payload.
pub fn tcp_acknowledgement() -> Vec<u8> {
    packet(6, TCP_HEADERS, 0)
}

/// A datagram that is not part of a superframe.
pub fn datagram(payload: usize) -> Vec<u8> {
    packet(17, UDP_HEADERS, payload)
}

/// Virtio header ‖ IPv4 ‖ TCP or UDP with a partial checksum ‖ payload.
fn packet(protocol: u8, headers: usize, payload: usize) -> Vec<u8> {
    let mut frame = vec![0x5a; VIRTIO + headers + payload];
    frame[..VIRTIO + headers].fill(0);
    frame[0] = NEEDS_CSUM;
    frame[6..8].copy_from_slice(&20u16.to_ne_bytes());
    frame[8..10].copy_from_slice(&(if protocol == 6 { 16u16 } else { 6 }).to_ne_bytes());
    let ip = &mut frame[VIRTIO..];
    let length = ip.len();
    ip[0] = 0x45;
    ip[2..4].copy_from_slice(&(length as u16).to_be_bytes());
    ip[6] = 0x40;
    ip[8] = 64;
    ip[9] = protocol;
    ip[12..16].copy_from_slice(&CLIENT_INNER.octets());
    ip[16..20].copy_from_slice(&SERVER_INNER.octets());
    let sum = Sum::default().bytes(&ip[..20]).finish();
    ip[10..12].copy_from_slice(&sum);
    ip[20..24].copy_from_slice(&[0x9c, 0x40, 0x1c, 0x20]);
    if protocol == 6 {
        ip[32..34].copy_from_slice(&[0x80, 0x10]);
        // Two no-operations, and the time stamps of every Linux connection.
        ip[40..44].copy_from_slice(&[1, 1, 8, 10]);
    } else {
        ip[24..26].copy_from_slice(&((length - 20) as u16).to_be_bytes());
    }
    frame
}
