//! The header chain of an inner packet: IP, then TCP or UDP if it follows directly.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::checksum::Sum;
use jvpn_proto::blame::DropKind;

/// Maximum length of headers that are copied and patched per segment. IPv4 with options and TCP with options need 120
/// bytes; the rest is for IPv6 extension headers and encapsulations.
pub(super) const HEAD_MAX: usize = 256;
/// Maximum extension headers parsed before an IPv6 packet counts as having no transport header.
const EXTENSIONS_MAX: usize = 8;

pub(super) const IPV4_HEADER_MIN: usize = 20;
pub(super) const IPV6_HEADER: usize = 40;
const TCP_HEADER_MIN: usize = 20;
const UDP_HEADER: usize = 8;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const DESTINATION_OPTIONS: u8 = 60;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;

/// Why a frame or a packet was refused. The packet is dropped alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// The packet ends inside a header.
    Truncated,
    /// Neither IPv4 nor IPv6.
    Version,
    /// The length in the IP or UDP header is not the packet's length.
    Length,
    /// The headers before the payload exceed `HEAD_MAX`.
    HeaderTooLong,
    /// The checksum field to complete lies outside the packet.
    ChecksumField,
    /// The type, size or checksum of a superframe does not fit its headers.
    Superframe,
    /// Marked as having a partial checksum, but not an unfragmented TCP or UDP packet.
    PartialChecksum,
}

impl Malformed {
    /// The kind under which the drop is counted.
    pub fn kind(self) -> DropKind {
        match self {
            Self::Truncated => DropKind::InnerTruncated,
            Self::Version => DropKind::InnerVersion,
            Self::Length => DropKind::InnerLength,
            Self::HeaderTooLong => DropKind::InnerHeaderTooLong,
            Self::ChecksumField => DropKind::InnerChecksumField,
            Self::Superframe => DropKind::InnerSuperframe,
            Self::PartialChecksum => DropKind::InnerPartialChecksum,
        }
    }
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind().explained().text)
    }
}

impl std::error::Error for Malformed {}

/// Source address of an IP packet; `None` if it is too short for one or neither IPv4 nor IPv6.
pub fn source(packet: &[u8]) -> Option<IpAddr> {
    address(packet, 12, 8)
}

/// Destination address of an IP packet; `None` in the same cases as [`source`].
pub fn destination(packet: &[u8]) -> Option<IpAddr> {
    address(packet, 16, 24)
}

fn address(packet: &[u8], v4_at: usize, v6_at: usize) -> Option<IpAddr> {
    match packet.first()? >> 4 {
        4 => packet.get(v4_at..)?.first_chunk::<4>().map(|raw| Ipv4Addr::from(*raw).into()),
        6 => packet.get(v6_at..)?.first_chunk::<16>().map(|raw| Ipv6Addr::from(*raw).into()),
        _ => None,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V4,
    V6,
}

/// Where the headers of a packet end, and what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chain {
    pub version: Version,
    /// Protocol of the first header that is not parsed.
    pub protocol: u8,
    /// Where that header starts.
    pub l4: usize,
    /// The packet is a fragment: the bytes after its IP header can be anything.
    pub fragment: bool,
    /// Neither IPv4 options nor IPv6 extension headers.
    pub bare: bool,
}

/// A TCP or UDP header that directly follows the first header chain of an unfragmented packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Transport {
    pub protocol: u8,
    pub l4: usize,
    /// Where the payload starts.
    pub payload: usize,
}

impl Chain {
    /// Refuses a packet whose IP length is not its length: a partial checksum inside a tunnel would cover the padding.
    pub fn parse(packet: &[u8]) -> Result<Self, Malformed> {
        match packet.first().ok_or(Malformed::Truncated)? >> 4 {
            4 => Self::v4(packet),
            6 => Self::v6(packet),
            _ => Err(Malformed::Version),
        }
    }

    fn v4(packet: &[u8]) -> Result<Self, Malformed> {
        let l4 = usize::from(packet[0] & 0x0f) * 4;
        if packet.len() < IPV4_HEADER_MIN || packet.len() < l4 {
            return Err(Malformed::Truncated);
        }
        if l4 < IPV4_HEADER_MIN || word(packet, 2) != packet.len() {
            return Err(Malformed::Length);
        }
        Ok(Self {
            version: Version::V4,
            protocol: packet[9],
            l4,
            fragment: word(packet, 6) & 0x3fff != 0,
            bare: l4 == IPV4_HEADER_MIN,
        })
    }

    fn v6(packet: &[u8]) -> Result<Self, Malformed> {
        if packet.len() < IPV6_HEADER {
            return Err(Malformed::Truncated);
        }
        if word(packet, 4) + IPV6_HEADER != packet.len() {
            return Err(Malformed::Length);
        }
        let mut chain =
            Self { version: Version::V6, protocol: packet[6], l4: IPV6_HEADER, fragment: false, bare: true };
        for _ in 0..EXTENSIONS_MAX {
            chain.fragment = chain.protocol == FRAGMENT;
            // After a routing header with segments left, the pseudo-header's destination differs from this header's.
            let walk = match chain.protocol {
                HOP_BY_HOP | DESTINATION_OPTIONS => true,
                ROUTING => packet.get(chain.l4 + 3) == Some(&0),
                _ => false,
            };
            if !walk {
                break;
            }
            let extension = packet.get(chain.l4..).and_then(<[u8]>::first_chunk::<2>).ok_or(Malformed::Truncated)?;
            chain.protocol = extension[0];
            chain.l4 += (usize::from(extension[1]) + 1) * 8;
            chain.bare = false;
        }
        if chain.l4 > packet.len() { Err(Malformed::Truncated) } else { Ok(chain) }
    }

    /// The transport header, if its checksum may be left partial. Sender and receiver share this rule.
    pub fn transport(self, packet: &[u8]) -> Option<Transport> {
        let header = packet.get(self.l4..).filter(|_| !self.fragment)?;
        let len = match self.protocol {
            TCP if header.len() >= TCP_HEADER_MIN => {
                Some(usize::from(header[12] >> 4) * 4).filter(|len| *len >= TCP_HEADER_MIN)
            }
            UDP if header.len() >= UDP_HEADER => Some(UDP_HEADER),
            _ => None,
        }?;
        (len <= header.len()).then_some(Transport { protocol: self.protocol, l4: self.l4, payload: self.l4 + len })
    }

    /// The address bytes of the pseudo-header.
    pub fn addresses(self, packet: &[u8]) -> &[u8] {
        match self.version {
            Version::V4 => &packet[12..20],
            Version::V6 => &packet[8..40],
        }
    }

    /// Sum of the pseudo-header for a transport header and payload of `len` bytes.
    pub fn pseudo_header(self, packet: &[u8], len: usize) -> Sum {
        Sum::default().pseudo_header(self.addresses(packet), self.protocol, len)
    }

    /// Writes the length of the whole packet into the IP header and completes its header checksum.
    /// `head` holds at least the header chain; `packet_len` ≤ 65,535.
    pub fn set_len(self, head: &mut [u8], packet_len: usize) {
        match self.version {
            Version::V4 => {
                set_word(head, 2, packet_len);
                head[10..12].fill(0);
                let sum = Sum::default().bytes(&head[..self.l4]).finish();
                head[10..12].copy_from_slice(&sum);
            }
            Version::V6 => set_word(head, 4, packet_len - IPV6_HEADER),
        }
    }
}

impl Transport {
    /// Position of the checksum in the packet.
    pub fn checksum(self) -> usize {
        self.l4 + self.checksum_offset()
    }

    /// Position of the checksum in its header.
    pub fn checksum_offset(self) -> usize {
        if self.protocol == TCP { 16 } else { 6 }
    }

    /// Writes the length of header and payload, if the header has a length field.
    pub fn set_len(self, head: &mut [u8], len: usize) {
        if self.protocol == UDP {
            set_word(head, self.l4 + 4, len);
        }
    }

    /// TCP has no length field; UDP's must be the packet's, unless the packet is a superframe.
    pub fn length_fits(self, packet: &[u8]) -> bool {
        self.protocol == TCP || word(packet, self.l4 + 4) == packet.len() - self.l4
    }
}

/// The big-endian 16 bits at `at`.
pub(super) fn word(bytes: &[u8], at: usize) -> usize {
    usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]))
}

/// Writes `value` ≤ 65,535 as big-endian 16 bits.
pub(super) fn set_word(bytes: &mut [u8], at: usize, value: usize) {
    bytes[at..at + 2].copy_from_slice(&(value as u16).to_be_bytes());
}
