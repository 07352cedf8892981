//! Reads packets from a capture.

use std::fs;
use std::io;
use std::path::Path;

const MAGIC_NANOSECONDS: u32 = 0xa1b2_3c4d;
const SLL2: u32 = 276;
const FILE_HEADER_BYTES: usize = 24;
const RECORD_HEADER_BYTES: usize = 16;
/// Length of the "cooked" v2 header before layer 3; its first two bytes are the protocol.
const SLL2_BYTES: usize = 20;
/// Maximum file size, because the recording is kept in memory.
const FILE_BYTES_MAX: u64 = 1 << 30;
const UDP: u8 = 17;
pub const UDP_BYTES: usize = 8;
pub const V4_BYTES: usize = 20;
pub const V6_BYTES: usize = 40;

/// A whole file written by `jvpn-lab capture --out`.
#[derive(Debug)]
pub struct Recording {
    bytes: Vec<u8>,
}

/// One UDP datagram over IP, captured whole and with at least one byte of payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// The packet from the IP header on.
    pub packet: &'a [u8],
    /// Position of the UDP header.
    pub udp_at: usize,
    pub from_port: u16,
    pub to_port: u16,
}

impl<'a> Datagram<'a> {
    /// Returns `None` if the packet is truncated or fragmented, has options or extension headers, or is not UDP: a
    /// tunnel sends none of these.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (udp_at, protocol, len) = match bytes.first()? {
            0x45 if !is_fragment(u16_at(bytes, 6)?) => {
                (V4_BYTES, *bytes.get(9)?, usize::from(u16_at(bytes, 2)?))
            }
            first if first >> 4 == 6 => (
                V6_BYTES,
                *bytes.get(6)?,
                V6_BYTES + usize::from(u16_at(bytes, 4)?),
            ),
            _ => return None,
        };
        let packet = bytes.get(..len)?;
        if protocol != UDP || len <= udp_at + UDP_BYTES {
            return None;
        }
        Some(Self {
            packet,
            udp_at,
            from_port: u16_at(packet, udp_at)?,
            to_port: u16_at(packet, udp_at + 2)?,
        })
    }

    pub fn payload(&self) -> &'a [u8] {
        &self.packet[self.udp_at + UDP_BYTES..]
    }
}

impl Recording {
    pub fn open(path: &Path) -> io::Result<Self> {
        if fs::metadata(path)?.len() > FILE_BYTES_MAX {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the recording is larger than 1 GiB",
            ));
        }
        Self::of(fs::read(path)?)
    }

    fn of(bytes: Vec<u8>) -> io::Result<Self> {
        let known =
            u32_at(&bytes, 0) == Some(MAGIC_NANOSECONDS) && u32_at(&bytes, 20) == Some(SLL2);
        if !known {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "not written by `jvpn-lab capture`",
            ));
        }
        Ok(Self { bytes })
    }

    /// The datagrams in the order of the capture, up to the first incomplete record.
    pub fn datagrams(&self) -> impl Iterator<Item = Datagram<'_>> {
        let mut at = FILE_HEADER_BYTES;
        let records = std::iter::from_fn(move || {
            let len = usize::try_from(u32_at(&self.bytes, at + 8)?).ok()?;
            let begin = at + RECORD_HEADER_BYTES;
            at = begin + len;
            self.bytes.get(begin..at)
        });
        records.filter_map(|record| Datagram::read(record.get(SLL2_BYTES..)?))
    }
}

/// True if more fragments follow, or if this is not the first fragment.
fn is_fragment(flags_and_offset: u16) -> bool {
    const MORE_OR_OFFSET: u16 = 0x3fff;
    let fragment = flags_and_offset & MORE_OR_OFFSET;
    fragment != 0
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn packet_v4(from_port: u16, to_port: u16, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; V4_BYTES + UDP_BYTES];
        packet[0] = 0x45;
        packet[9] = UDP;
        packet[20..22].copy_from_slice(&from_port.to_be_bytes());
        packet[22..24].copy_from_slice(&to_port.to_be_bytes());
        packet.extend_from_slice(payload);
        let len = packet.len() as u16;
        packet[2..4].copy_from_slice(&len.to_be_bytes());
        packet
    }

    fn file(packets: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = vec![0; FILE_HEADER_BYTES];
        bytes[..4].copy_from_slice(&MAGIC_NANOSECONDS.to_le_bytes());
        bytes[20..].copy_from_slice(&SLL2.to_le_bytes());
        for packet in packets {
            let mut head = [0; RECORD_HEADER_BYTES];
            head[8..12].copy_from_slice(&((SLL2_BYTES + packet.len()) as u32).to_le_bytes());
            bytes.extend_from_slice(&head);
            bytes.extend_from_slice(&[0; SLL2_BYTES]);
            bytes.extend_from_slice(packet);
        }
        bytes
    }

    #[test]
    fn datagrams_come_back_in_order_and_what_is_none_is_left_out() {
        let first = packet_v4(50_000, 4774, b"one");
        let mut tcp = packet_v4(1, 2, b"no");
        tcp[9] = 6;
        let mut cut = file(&[
            first.clone(),
            tcp,
            vec![0; 3],
            packet_v4(4774, 50_000, b"two"),
        ]);
        cut.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 99, 0]);
        let recording = Recording::of(cut).expect("a capture");
        let found: Vec<_> = recording
            .datagrams()
            .map(|d| (d.from_port, d.payload()))
            .collect();
        assert_eq!(found, [(50_000, &b"one"[..]), (4774, &b"two"[..])]);
        assert_eq!(Datagram::read(&first).expect("whole").to_port, 4774);
    }

    #[test]
    fn another_file_is_refused() {
        assert!(Recording::of(vec![0; 100]).is_err() && Recording::of(Vec::new()).is_err());
    }

    #[test]
    fn a_packet_that_was_cut_is_none() {
        let whole = packet_v4(1, 2, &[7; 40]);
        for kept in 0..whole.len() {
            assert_eq!(Datagram::read(&whole[..kept]), None);
        }
    }
}
