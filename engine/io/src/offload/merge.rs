//! Decides which packets may share one superframe. The rules follow the kernel's own receive offload, slightly
//! stricter.

use super::headers::{Chain, HEAD_MAX, Malformed, TCP, Transport, UDP, Version, word};
use super::write::WriteOffload;
use crate::checksum::Sum;

const PSH: u8 = 0x08;
const ACK: u8 = 0x10;
const ECE: u8 = 0x40;
const IPV4_DF: usize = 0x4000;

/// Maximum packets in one superframe: the limit of UDP superframes, and more than 64 KiB of full TCP segments.
const RUN_PACKETS_MAX: usize = 64;
/// Length of the longest superframe, headers included: the maximum of an IP length field.
const RUN_BYTES_MAX: usize = 65_535;

/// A decrypted packet with its parsed headers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packet<'a> {
    pub bytes: &'a [u8],
    pub partial: bool,
    pub chain: Chain,
    pub transport: Option<Transport>,
}

/// The conditions for appending another packet to a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tail {
    pub packets: usize,
    /// Payload length of every packet but the last.
    pub size: usize,
    pub payload: usize,
}

impl<'a> Packet<'a> {
    /// Refuses packets that could not be written: `partial` promises an unfragmented TCP or UDP packet of the right
    /// length.
    pub fn parse(bytes: &'a [u8], partial: bool) -> Result<Self, Malformed> {
        let chain = Chain::parse(bytes)?;
        let transport = chain.transport(bytes);
        if partial {
            let fits = transport.filter(|transport| transport.length_fits(bytes)).ok_or(Malformed::PartialChecksum)?;
            if fits.payload > HEAD_MAX {
                return Err(Malformed::HeaderTooLong);
            }
        }
        Ok(Self { bytes, partial, chain, transport })
    }

    /// Hash of the five-tuple; `None` if there is no transport header.
    pub fn flow_hash(&self) -> Option<u64> {
        let l4 = self.transport?.l4;
        let words = self.chain.addresses(self.bytes).chunks_exact(4).chain(self.bytes[l4..l4 + 4].chunks_exact(4));
        let mix = |hash: u64, word: &[u8]| {
            (hash ^ u64::from(u32::from_ne_bytes([word[0], word[1], word[2], word[3]])))
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(23)
        };
        Some(words.fold(u64::from(self.chain.protocol), mix))
    }

    /// Whether the packet may be in a superframe at all. Its checksums are checked first, because a superframe's
    /// checksums are recomputed.
    pub fn mergeable(&self, offload: WriteOffload) -> Option<Transport> {
        let transport = self.transport.filter(|_| self.chain.bare)?;
        let l4 = &self.bytes[transport.l4..];
        let allowed = self.bytes.len() > transport.payload
            && match transport.protocol {
                TCP => offload.tcp && l4[13] & ACK != 0 && l4[13] & !(ACK | PSH | ECE) == 0,
                UDP => offload.udp && transport.length_fits(self.bytes) && (self.partial || word(l4, 6) != 0),
                _ => false,
            };
        (allowed && self.header_checksum_is_valid() && self.checksum_is_valid(transport)).then_some(transport)
    }

    /// A run that starts with this packet, or `None` if no packet may follow it.
    pub fn tail(&self, transport: Transport) -> Option<Tail> {
        let size = self.bytes.len() - transport.payload;
        (!self.pushes(transport)).then_some(Tail { packets: 1, size, payload: size })
    }

    /// Whether the packet continues the run that starts with `first`.
    pub fn follows(&self, first: &Packet<'_>, transport: Transport, tail: Tail) -> bool {
        let payload = self.bytes.len() - transport.payload;
        first.transport == Some(transport)
            && tail.packets < RUN_PACKETS_MAX
            && payload <= tail.size
            && transport.payload + tail.payload + payload <= RUN_BYTES_MAX
            && self.same_ip(first, tail.packets)
            && self.same_transport(first, transport, tail.payload)
    }

    /// The run after this packet is appended, or `None` if the packet ends it: it is shorter than the others, or has
    /// PSH set.
    pub fn extend(&self, transport: Transport, tail: Tail) -> Option<Tail> {
        let payload = self.bytes.len() - transport.payload;
        (payload == tail.size && !self.pushes(transport)).then_some(Tail {
            packets: tail.packets + 1,
            size: tail.size,
            payload: tail.payload + payload,
        })
    }

    fn pushes(&self, transport: Transport) -> bool {
        transport.protocol == TCP && self.bytes[transport.l4 + 13] & PSH != 0
    }

    fn same_ip(&self, first: &Packet<'_>, index: usize) -> bool {
        let (a, b) = (self.bytes, first.bytes);
        match self.chain.version {
            Version::V6 => first.chain.version == Version::V6 && a[..4] == b[..4] && a[6..40] == b[6..40],
            Version::V4 => {
                // RFC 6864: the ID of a packet that cannot be fragmented has no meaning.
                let id = word(a, 6) & IPV4_DF != 0 || word(a, 4) == (word(b, 4) + index) & 0xffff;
                id && a[..2] == b[..2] && a[6..10] == b[6..10] && a[12..20] == b[12..20]
            }
        }
    }

    fn same_transport(&self, first: &Packet<'_>, transport: Transport, offset: usize) -> bool {
        let (a, b) = (&self.bytes[transport.l4..transport.payload], &first.bytes[transport.l4..transport.payload]);
        if transport.protocol == UDP {
            return a[..4] == b[..4];
        }
        let sequence = |tcp: &[u8]| u32::from_be_bytes([tcp[4], tcp[5], tcp[6], tcp[7]]);
        sequence(a) == sequence(b).wrapping_add(offset as u32)
            && a[..4] == b[..4]
            && a[8..13] == b[8..13]
            && a[13] & !PSH == b[13] & !PSH
            && a[14..16] == b[14..16]
            && a[18..] == b[18..]
    }

    fn header_checksum_is_valid(&self) -> bool {
        self.chain.version == Version::V6 || Sum::default().bytes(&self.bytes[..self.chain.l4]).is_valid()
    }

    fn checksum_is_valid(&self, transport: Transport) -> bool {
        let l4 = &self.bytes[transport.l4..];
        self.partial || self.chain.pseudo_header(self.bytes, l4.len()).bytes(l4).is_valid()
    }
}
