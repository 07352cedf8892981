//! Packets as a simple network stack would build them, with checksums as RFC 1071 defines them.

use proptest::prelude::*;

use crate::offload::WriteOffload;

pub const FIN: u8 = 0x01;
pub const PSH: u8 = 0x08;
pub const ACK: u8 = 0x10;
pub const CWR: u8 = 0x80;
pub const ALL: WriteOffload = WriteOffload { checksum: true, tcp: true, udp: true };
pub const NO_SUPERFRAMES: WriteOffload = WriteOffload { checksum: true, tcp: false, udp: false };
pub const TCP: u8 = 6;
pub const UDP: u8 = 17;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sum {
    Partial,
    Full,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    pub bytes: Vec<u8>,
    pub partial: bool,
}

/// One direction of a connection; `payload` is the content of one superframe.
#[derive(Debug, Clone)]
pub struct Flow {
    pub v6: bool,
    pub protocol: u8,
    pub source_port: u16,
    pub class: u8,
    pub sequence: u32,
    pub acknowledgement: u32,
    pub window: u16,
    pub flags: u8,
    pub id: u16,
    /// TCP options, a multiple of 4 bytes.
    pub options: Vec<u8>,
    pub payload: Vec<u8>,
}

pub fn flow() -> impl Strategy<Value = Flow> {
    let flags = prop_oneof![Just(ACK), Just(ACK | PSH), Just(ACK | PSH | FIN), Just(ACK | CWR), Just(ACK | 0x40)];
    let shape = (any::<bool>(), any::<bool>(), any::<u32>(), any::<u16>(), flags);
    (shape, 0usize..=10, proptest::collection::vec(any::<u8>(), 1..6000)).prop_map(
        |((v6, udp, sequence, id, flags), options, payload)| Flow {
            v6,
            protocol: if udp { UDP } else { TCP },
            sequence,
            id,
            flags,
            options: vec![1; options * 4],
            payload,
            ..Flow::example(v6)
        },
    )
}

pub fn offloads() -> impl Strategy<Value = WriteOffload> {
    prop_oneof![
        Just(ALL),
        Just(WriteOffload { udp: false, ..ALL }),
        Just(NO_SUPERFRAMES),
        Just(WriteOffload::default())
    ]
}

impl Flow {
    pub fn example(v6: bool) -> Self {
        Self {
            v6,
            protocol: TCP,
            source_port: 40_000,
            class: 0,
            sequence: u32::MAX - 700,
            acknowledgement: 1,
            window: 512,
            flags: ACK,
            id: 0xfffe,
            options: vec![],
            payload: vec![],
        }
    }

    pub fn l4(&self) -> usize {
        if self.v6 { 40 } else { 20 }
    }

    pub fn head_len(&self) -> usize {
        self.l4() + if self.protocol == TCP { 20 + self.options.len() } else { 8 }
    }

    pub fn checksum_offset(&self) -> usize {
        if self.protocol == TCP { 16 } else { 6 }
    }

    pub fn payload_of<'p>(&self, packet: &'p [u8]) -> &'p [u8] {
        &packet[self.head_len()..]
    }

    pub fn owns(&self, packet: &[u8]) -> bool {
        packet[0] >> 4 == if self.v6 { 6 } else { 4 }
            && packet.get(self.l4()..self.l4() + 2) == Some(&self.source_port.to_be_bytes())
    }

    /// The packet with the whole payload as it arrives in a burst, with a guaranteed checksum.
    pub fn full(&self, index: usize, offset: usize) -> Packet {
        Packet { bytes: self.packet(index, offset, &self.payload, true, Sum::Partial), partial: true }
    }

    pub fn packet(&self, index: usize, offset: usize, payload: &[u8], last: bool, sum: Sum) -> Vec<u8> {
        let mut l4 = self.source_port.to_be_bytes().to_vec();
        l4.extend(443u16.to_be_bytes());
        if self.protocol == TCP {
            let flags = self.flags & !(if last { 0 } else { FIN | PSH }) & !(if index == 0 { 0 } else { CWR });
            l4.extend(self.sequence.wrapping_add(offset as u32).to_be_bytes());
            l4.extend(self.acknowledgement.to_be_bytes());
            l4.extend([((20 + self.options.len()) / 4 * 16) as u8, flags]);
            l4.extend(self.window.to_be_bytes());
            l4.extend([0; 4]);
            l4.extend(&self.options);
        } else {
            l4.extend(((8 + payload.len()) as u16).to_be_bytes());
            l4.extend([0; 2]);
        }
        l4.extend(payload);
        let id = self.id.wrapping_add(index as u16);
        let mut packet = ip_header(self.v6, self.protocol, l4.len(), id, &[self.class]);
        packet.extend(l4);
        let field = self.l4() + self.checksum_offset();
        let total = match sum {
            Sum::Partial => oracle_sum(&pseudo_header(self, &packet)),
            Sum::Full => match !oracle_transport(self, &packet) {
                0 => 0xffff,
                total => total,
            },
        };
        packet[field..field + 2].copy_from_slice(&total.to_be_bytes());
        packet
    }

    pub fn superframe(&self, size: usize) -> Vec<u8> {
        let whole = self.packet(0, 0, &self.payload, true, Sum::Partial);
        let kind = match (self.protocol, self.v6) {
            _ if self.payload.len() <= size => 0,
            (TCP, false) => 1,
            (TCP, true) => 4,
            _ => 5,
        };
        frame(1, kind, if kind == 0 { 0 } else { size as u16 }, self, &whole)
    }
}

pub fn ip_header(v6: bool, protocol: u8, payload: usize, id: u16, class: &[u8]) -> Vec<u8> {
    let class = class.first().copied().unwrap_or(0);
    if v6 {
        let mut header = vec![0x60 | class >> 4, class << 4, 0, 9];
        header.extend((payload as u16).to_be_bytes());
        header.extend([protocol, 64]);
        header.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        header.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
        return header;
    }
    let mut header = vec![0x45, class];
    header.extend(((20 + payload) as u16).to_be_bytes());
    header.extend(id.to_be_bytes());
    header.extend([0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    with_header_checksum(header)
}

pub fn with_header_checksum(mut packet: Vec<u8>) -> Vec<u8> {
    packet[10..12].fill(0);
    let sum = !oracle_sum(&packet[..20]);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet
}

pub fn pseudo_header(flow: &Flow, packet: &[u8]) -> Vec<u8> {
    let len = (packet.len() - flow.l4()) as u16;
    let mut bytes = packet[if flow.v6 { 8..40 } else { 12..20 }].to_vec();
    bytes.extend([0, flow.protocol]);
    bytes.extend(len.to_be_bytes());
    bytes
}

/// The sum over pseudo-header, header and payload: FFFF if the checksum is correct.
pub fn oracle_transport(flow: &Flow, packet: &[u8]) -> u16 {
    let mut bytes = pseudo_header(flow, packet);
    bytes.extend(&packet[flow.l4()..]);
    oracle_sum(&bytes)
}

/// RFC 1071, word by word.
pub fn oracle_sum(bytes: &[u8]) -> u16 {
    let mut sum = 0u32;
    for pair in bytes.chunks(2) {
        sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

pub fn frame(flags: u8, kind: u8, size: u16, flow: &Flow, packet: &[u8]) -> Vec<u8> {
    let start = if flags == 0 { 0 } else { flow.l4() };
    let offset = if flags == 0 { 0 } else { flow.checksum_offset() as u16 };
    let mut bytes = virtio(flags, kind, size, start, offset, packet);
    if kind != 0 {
        bytes[2..4].copy_from_slice(&(flow.head_len() as u16).to_ne_bytes());
    }
    bytes
}

pub fn virtio(flags: u8, kind: u8, size: u16, start: usize, offset: u16, packet: &[u8]) -> Vec<u8> {
    let mut bytes = vec![flags, kind, 0, 0];
    bytes.extend(size.to_ne_bytes());
    bytes.extend((start as u16).to_ne_bytes());
    bytes.extend(offset.to_ne_bytes());
    bytes.extend(packet);
    bytes
}
