//! Writes the packets of one receive batch to the TUN. A run of packets of one flow becomes one write.

use std::io::{self, IoSlice};

use super::headers::{HEAD_MAX, Malformed, TCP, Transport, Version};
use super::merge::{Packet, Tail};
use super::split::{complete_checksum, leave_partial};
use super::virtio::{GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4, NEEDS_CSUM, VIRTIO_LEN, VirtioHeader};
use super::write::WriteOffload;

/// Packets held in one burst. A full burst is written before the next packet is taken.
pub const PACKETS_MAX: usize = 2048;

/// Open runs, by flow hash. Two flows in one slot prevent each other's merging but keep their order.
const SLOTS: usize = 256;
/// Parts of one write: the headers and the payloads of the longest run.
const PARTS_MAX: usize = 65;
const PSH: u8 = 0x08;
const NONE: u16 = u16::MAX;

const _: () = assert!(PACKETS_MAX < NONE as usize, "indices of packets are 16 bits");

/// The destination of frames, which is the TUN. One call writes one frame, virtio header first.
pub trait FrameSink {
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<()>;
}

/// The result of a burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flushed {
    /// Packets written, and the number of writes.
    pub packets: u32,
    pub writes: u32,
    /// Packets that the sink refused, and the last error number.
    pub lost: u32,
    pub error: Option<i32>,
}

/// Holds the tables that bursts reuse, so that a burst allocates nothing.
#[derive(Debug)]
pub struct Coalescer {
    offload: WriteOffload,
    pieces: Vec<Piece<'static>>,
    runs: Vec<Run>,
    slots: [u16; SLOTS],
}

/// One receive batch. Packets are borrowed from its buffers until [`Burst::finish`].
#[must_use = "packets are written by `finish`"]
#[derive(Debug)]
pub struct Burst<'c, 'a, S> {
    coalescer: &'c mut Coalescer,
    sink: &'c mut S,
    pieces: Vec<Piece<'a>>,
    flushed: Flushed,
}

#[derive(Debug, Clone, Copy)]
struct Piece<'a> {
    packet: Packet<'a>,
    /// The next packet of the same run.
    next: u16,
}

#[derive(Debug, Clone, Copy)]
struct Run {
    first: u16,
    last: u16,
    tail: Option<Tail>,
}

impl Coalescer {
    pub fn new(offload: WriteOffload) -> Self {
        Self {
            offload,
            pieces: Vec::with_capacity(PACKETS_MAX),
            runs: Vec::with_capacity(PACKETS_MAX),
            slots: [NONE; SLOTS],
        }
    }

    /// The offloads in use. A superframe type is disabled for good if the sink refuses one but accepts its single
    /// packets.
    pub fn offload(&self) -> WriteOffload {
        self.offload
    }

    pub fn burst<'c, 'a, S: FrameSink>(&'c mut self, sink: &'c mut S) -> Burst<'c, 'a, S> {
        self.clear();
        let pieces = recycle(std::mem::take(&mut self.pieces));
        Burst { coalescer: self, sink, pieces, flushed: Flushed::default() }
    }

    fn clear(&mut self) {
        self.runs.clear();
        self.slots.fill(NONE);
    }
}

impl<'a, S: FrameSink> Burst<'_, 'a, S> {
    /// Takes a packet. `csum_partial`: the peer states, authenticated, that the transport checksum is a pseudo-header
    /// sum. A malformed packet is refused alone. Order is kept within a flow but may change between flows.
    pub fn push(&mut self, bytes: &'a [u8], csum_partial: bool) -> Result<(), Malformed> {
        let packet = Packet::parse(bytes, csum_partial)?;
        if self.pieces.len() == PACKETS_MAX {
            self.write();
        }
        let index = self.pieces.len() as u16;
        self.pieces.push(Piece { packet, next: NONE });
        let Some(slot) = packet.flow_hash().map(|hash| (hash >> 56) as usize) else {
            if packet.chain.fragment {
                // The fragment may belong to any open flow, so no later packet may join a run before it.
                self.coalescer.slots.fill(NONE);
            }
            self.coalescer.runs.push(Run { first: index, last: index, tail: None });
            return Ok(());
        };
        let transport = packet.mergeable(self.coalescer.offload);
        if transport.is_some_and(|transport| self.append(slot, index, transport)) {
            return Ok(());
        }
        let tail = transport.and_then(|transport| packet.tail(transport));
        self.coalescer.slots[slot] = if tail.is_some() { self.coalescer.runs.len() as u16 } else { NONE };
        self.coalescer.runs.push(Run { first: index, last: index, tail });
        Ok(())
    }

    /// Writes everything and returns the result.
    pub fn finish(mut self) -> Flushed {
        self.write();
        self.coalescer.pieces = recycle(self.pieces);
        self.flushed
    }

    fn append(&mut self, slot: usize, index: u16, transport: Transport) -> bool {
        let Some(run) = self.coalescer.runs.get_mut(usize::from(self.coalescer.slots[slot])) else { return false };
        let packet = &self.pieces[usize::from(index)].packet;
        let first = &self.pieces[usize::from(run.first)].packet;
        let Some(tail) = run.tail.filter(|tail| packet.follows(first, transport, *tail)) else { return false };
        run.tail = packet.extend(transport, tail);
        if run.tail.is_none() {
            self.coalescer.slots[slot] = NONE;
        }
        self.pieces[usize::from(run.last)].next = index;
        run.last = index;
        true
    }

    fn write(&mut self) {
        for index in 0..self.coalescer.runs.len() {
            let run = self.coalescer.runs[index];
            if run.first == run.last {
                self.write_alone(run);
            } else {
                self.write_run(run);
            }
        }
        self.coalescer.clear();
        self.pieces.clear();
    }

    /// Writes a run as one superframe, or packet by packet if the sink accepts no superframe.
    fn write_run(&mut self, run: Run) {
        let first = self.pieces[usize::from(run.first)].packet;
        let Some(transport) = first.transport else { return };
        let wanted = if transport.protocol == TCP { self.coalescer.offload.tcp } else { self.coalescer.offload.udp };
        if !wanted {
            self.write_alone(run);
            return;
        }
        match self.superframe(run, first, transport) {
            Ok(packets) => self.flushed.wrote(packets),
            Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EIO)) => {
                let before = self.flushed.packets;
                self.write_alone(run);
                if self.flushed.packets > before {
                    // Some kernels refuse every superframe. If the device were down, it would refuse single packets
                    // too.
                    let offload = &mut self.coalescer.offload;
                    if transport.protocol == TCP { offload.tcp = false } else { offload.udp = false }
                }
            }
            Err(error) => self.flushed.lose(self.packets(run).count() as u32, &error),
        }
    }

    fn superframe(&mut self, run: Run, first: Packet<'a>, transport: Transport) -> io::Result<u32> {
        let mut parts = [IoSlice::new(&[]); PARTS_MAX];
        let (mut used, mut payload) = (1, 0);
        for packet in self.packets(run) {
            let body = &packet.bytes[transport.payload..];
            parts[used] = IoSlice::new(body);
            payload += body.len();
            used += 1;
        }
        let mut buffer = HeadBuffer::of(first, transport);
        let head = buffer.packet();
        if transport.protocol == TCP {
            head[transport.l4 + 13] |= self.pieces[usize::from(run.last)].packet.bytes[transport.l4 + 13] & PSH;
        }
        first.chain.set_len(head, transport.payload + payload);
        leave_partial(first.chain, transport, head, payload);
        let gso_type = match (transport.protocol, first.chain.version) {
            (TCP, Version::V4) => GSO_TCPV4,
            (TCP, Version::V6) => GSO_TCPV6,
            _ => GSO_UDP_L4,
        };
        let gso_size = (first.bytes.len() - transport.payload) as u16;
        let hdr_len = transport.payload as u16;
        buffer.virtio(VirtioHeader { gso_type, hdr_len, gso_size, ..checksum_wanted(transport) });
        parts[0] = IoSlice::new(buffer.bytes());
        self.sink.write(&parts[..used]).map(|()| (used - 1) as u32)
    }

    /// Writes each packet of the run as its own frame.
    fn write_alone(&mut self, run: Run) {
        let mut index = run.first;
        while index != NONE {
            let Piece { packet, next } = self.pieces[usize::from(index)];
            index = next;
            match self.single(packet) {
                Ok(()) => self.flushed.wrote(1),
                Err(error) => self.flushed.lose(1, &error),
            }
        }
    }

    fn single(&mut self, packet: Packet<'a>) -> io::Result<()> {
        let Some(transport) = packet.transport.filter(|_| packet.partial) else {
            let header = VirtioHeader::default().encode();
            return self.sink.write(&[IoSlice::new(&header), IoSlice::new(packet.bytes)]);
        };
        let body = &packet.bytes[transport.payload..];
        let mut buffer = HeadBuffer::of(packet, transport);
        if self.coalescer.offload.checksum {
            leave_partial(packet.chain, transport, buffer.packet(), body.len());
            buffer.virtio(checksum_wanted(transport));
        } else {
            complete_checksum(packet.chain, transport, buffer.packet(), body);
        }
        self.sink.write(&[IoSlice::new(buffer.bytes()), IoSlice::new(body)])
    }

    fn packets(&self, run: Run) -> impl Iterator<Item = Packet<'a>> {
        let piece = |index: u16| self.pieces.get(usize::from(index));
        std::iter::successors(piece(run.first), move |before| piece(before.next)).map(|piece| piece.packet)
    }
}

impl Flushed {
    fn wrote(&mut self, packets: u32) {
        self.packets += packets;
        self.writes += 1;
    }

    fn lose(&mut self, packets: u32, error: &io::Error) {
        self.lost += packets;
        self.error = error.raw_os_error();
    }
}

/// Virtio header and packet headers of the current frame.
struct HeadBuffer {
    bytes: [u8; VIRTIO_LEN + HEAD_MAX],
    used: usize,
}

impl HeadBuffer {
    /// The headers of a packet, already checked to fit, after an empty virtio header.
    fn of(packet: Packet<'_>, transport: Transport) -> Self {
        let mut buffer = Self { bytes: [0; VIRTIO_LEN + HEAD_MAX], used: VIRTIO_LEN + transport.payload };
        buffer.packet().copy_from_slice(&packet.bytes[..transport.payload]);
        buffer
    }

    fn virtio(&mut self, header: VirtioHeader) {
        self.bytes[..VIRTIO_LEN].copy_from_slice(&header.encode());
    }

    fn packet(&mut self) -> &mut [u8] {
        &mut self.bytes[VIRTIO_LEN..self.used]
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.used]
    }
}

fn checksum_wanted(transport: Transport) -> VirtioHeader {
    VirtioHeader {
        flags: NEEDS_CSUM,
        csum_start: transport.l4 as u16,
        csum_offset: transport.checksum_offset() as u16,
        ..VirtioHeader::default()
    }
}

/// Reuses the storage for borrows of another burst.
fn recycle<'b>(mut pieces: Vec<Piece<'_>>) -> Vec<Piece<'b>> {
    pieces.clear();
    pieces.into_iter().map_while(|_| None).collect()
}
