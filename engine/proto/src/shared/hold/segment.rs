//! The fields of a TCP segment that show whether two packets are copies of the same segment.

const TCP: u8 = 6;
const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TcpSegment {
    /// Both addresses (IPv4 in the first four bytes of each half) and both ports.
    flow: [u8; 36],
    sequence: u32,
    /// Length in sequence numbers: payload, SYN, FIN.
    len: u32,
    reset: bool,
}

impl TcpSegment {
    /// The segment in an inner packet. `None` unless the packet is unfragmented TCP directly behind the first IP
    /// header.
    pub(super) fn parse(packet: &[u8]) -> Option<Self> {
        let mut flow = [0; 36];
        let l4 = match packet.first()? >> 4 {
            4 => {
                let fragment = u16::from_be_bytes(*packet.get(6..)?.first_chunk()?) & 0x3fff;
                if *packet.get(9)? != TCP || fragment != 0 {
                    return None;
                }
                flow[..4].copy_from_slice(packet.get(12..16)?);
                flow[16..20].copy_from_slice(packet.get(16..20)?);
                usize::from(packet[0] & 0x0f) * 4
            }
            6 => {
                if *packet.get(6)? != TCP {
                    return None;
                }
                flow[..32].copy_from_slice(packet.get(8..40)?);
                40
            }
            _ => return None,
        };
        let header = packet.get(l4..)?;
        flow[32..].copy_from_slice(header.get(..4)?);
        let sequence = u32::from_be_bytes(*header.get(4..)?.first_chunk()?);
        let (offset, flags) = (usize::from(header.get(12)? >> 4) * 4, *header.get(13)?);
        let payload = u32::try_from(header.len().checked_sub(offset)?).ok()?;
        let len = payload + u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
        Some(Self { flow, sequence, len, reset: flags & RST != 0 })
    }

    /// A receiver of this segment learns nothing from `older`: it covers the same sequence numbers, or `older` is only
    /// an acknowledgement.
    pub(super) fn supersedes(&self, older: &Self) -> bool {
        if self.flow != older.flow || self.reset || older.reset {
            return false;
        }
        let ahead = older.sequence.wrapping_sub(self.sequence);
        older.len == 0 || (ahead <= self.len && older.len <= self.len - ahead)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An IPv4 packet with a TCP segment.
    pub(crate) fn tcp(sequence: u32, payload: usize, flags: u8) -> Vec<u8> {
        let mut packet = vec![0; 40 + payload];
        packet[0] = 0x45;
        packet[8] = 64;
        packet[9] = TCP;
        packet[12..16].copy_from_slice(&[10, 80, 0, 2]);
        packet[16..20].copy_from_slice(&[10, 80, 0, 1]);
        packet[20..24].copy_from_slice(&[0x13, 0x88, 0, 80]);
        packet[24..28].copy_from_slice(&sequence.to_be_bytes());
        packet[32] = 0x50;
        packet[33] = flags;
        packet
    }

    fn segment(sequence: u32, payload: usize, flags: u8) -> TcpSegment {
        TcpSegment::parse(&tcp(sequence, payload, flags)).expect("a segment")
    }

    #[test]
    fn a_segment_supersedes_what_it_covers_also_across_the_end_of_the_sequence_space() {
        let near_the_end = segment(u32::MAX - 99, 200, 0x10);
        assert!(near_the_end.supersedes(&segment(u32::MAX - 99, 200, 0x10)));
        assert!(near_the_end.supersedes(&segment(50, 50, 0x10)));
        assert!(!near_the_end.supersedes(&segment(50, 51, 0x10)));
        assert!(!near_the_end.supersedes(&segment(u32::MAX - 100, 100, 0x10)));
    }

    #[test]
    fn an_acknowledgement_gives_way_to_anything_newer_of_its_flow_and_a_reset_to_nothing() {
        let acknowledgement = segment(500, 0, 0x10);
        assert!(segment(500, 0, 0x10).supersedes(&acknowledgement));
        assert!(segment(400, 10, 0x10).supersedes(&acknowledgement));
        assert!(!acknowledgement.supersedes(&segment(500, 1, 0x10)));
        assert!(!acknowledgement.supersedes(&segment(500, 0, FIN | 0x10)));
        assert!(!segment(500, 10, 0x10).supersedes(&segment(500, 0, RST)));
    }

    #[test]
    fn fragments_other_protocols_and_cut_headers_are_no_segments() {
        let whole = tcp(1, 10, 0x10);
        for len in 0..34 {
            assert_eq!(TcpSegment::parse(&whole[..len]), None);
        }
        for (at, value) in [(9, 17), (6, 0x20), (0, 0x55)] {
            let mut other = whole.clone();
            other[at] = value;
            assert_eq!(TcpSegment::parse(&other), None);
        }
        let mut other_flow = whole.clone();
        other_flow[23] = 81;
        assert!(!segment(1, 10, 0x10).supersedes(&TcpSegment::parse(&other_flow).expect("a segment")));
    }
}
