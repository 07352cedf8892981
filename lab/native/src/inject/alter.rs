//! How an attacker without keys can alter a datagram.

use super::recording::{Datagram, UDP_BYTES, V4_BYTES};
use crate::seeded::Seeded;

/// Bytes of DATA before the body: type, flags, receiver index and counter.
const HEADER_BYTES: usize = 16;
const COUNTER: std::ops::Range<usize> = 8..16;
/// Minimum distance of a forged counter from the real one.
const COUNTER_LEAP: u64 = 1 << 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alteration {
    None,
    Bit,
    Body,
    Counter,
    Source,
}

/// Invented source addresses: 172.16.0.0/12, `fd17::/16`.
const SOURCES_V4: ([u8; 2], u8) = ([172, 16], 0x0f);
const SOURCES_V6: [u8; 2] = [0xfd, 0x17];

impl Alteration {
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "none" => Some(Self::None),
            "bit" => Some(Self::Bit),
            "body" => Some(Self::Body),
            "counter" => Some(Self::Counter),
            "source" => Some(Self::Source),
            _ => None,
        }
    }

    /// Returns the packet with its payload altered and its checksums valid.
    pub fn applied(self, datagram: &Datagram, random: &mut Seeded) -> Vec<u8> {
        let mut packet = datagram.packet.to_vec();
        if self == Self::Source {
            invent_source(&mut packet, datagram.udp_at, random);
        }
        let payload = &mut packet[datagram.udp_at + UDP_BYTES..];
        match self {
            Self::None | Self::Source => {}
            Self::Bit => {
                let bit = random.next() as usize % (payload.len() * 8);
                payload[bit / 8] ^= 1 << (bit % 8);
            }
            Self::Body => random.fill(payload.get_mut(HEADER_BYTES..).unwrap_or_default()),
            Self::Counter => {
                if let Some(counter) = payload.get_mut(COUNTER) {
                    let ahead = COUNTER_LEAP + random.next() % COUNTER_LEAP;
                    counter.copy_from_slice(&ahead.to_le_bytes());
                }
            }
        }
        set_checksum(&mut packet, datagram.udp_at);
        packet
    }
}

fn invent_source(packet: &mut [u8], udp_at: usize, random: &mut Seeded) {
    if udp_at == V4_BYTES {
        random.fill(&mut packet[12..16]);
        let ([first, second], free) = SOURCES_V4;
        (packet[12], packet[13]) = (first, second | packet[13] & free);
    } else {
        random.fill(&mut packet[8..24]);
        packet[8..10].copy_from_slice(&SOURCES_V6);
    }
    random.fill(&mut packet[udp_at..udp_at + 2]);
}

/// Sets the UDP checksum; the kernel fills in the IPv4 checksum. A capture may contain packets whose checksum was not
/// computed yet.
fn set_checksum(packet: &mut [u8], udp_at: usize) {
    packet[udp_at + 6..udp_at + 8].fill(0);
    let addresses = if udp_at == V4_BYTES { 12..20 } else { 8..40 };
    let mut sum = 17 + (packet.len() - udp_at) as u32;
    for part in [&packet[addresses], &packet[udp_at..]] {
        for pair in part.chunks(2) {
            sum += u32::from(u16::from_be_bytes([
                pair[0],
                pair.get(1).copied().unwrap_or(0),
            ]));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let checksum = match !(sum as u16) {
        0 => 0xffff, // 0 on the wire means "none"
        checksum => checksum,
    };
    packet[udp_at + 6..udp_at + 8].copy_from_slice(&checksum.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::super::recording::tests::packet_v4;
    use super::*;

    fn altered(alteration: Alteration, payload: &[u8]) -> Vec<u8> {
        let packet = packet_v4(50_000, 4774, payload);
        let datagram = Datagram::read(&packet).expect("whole");
        let made = alteration.applied(&datagram, &mut Seeded::new(1));
        assert_eq!(
            made[..26],
            packet[..26],
            "addresses, ports and lengths stay"
        );
        made[28..].to_vec()
    }

    #[test]
    fn each_alteration_changes_what_it_says_and_nothing_else() {
        let payload: Vec<u8> = (0..64).collect();
        assert_eq!(altered(Alteration::None, &payload), payload);
        let bits = altered(Alteration::Bit, &payload);
        let changed: u32 = bits
            .iter()
            .zip(&payload)
            .map(|(a, b)| (a ^ b).count_ones())
            .sum();
        assert_eq!(changed, 1);
        let body = altered(Alteration::Body, &payload);
        assert_eq!(body[..16], payload[..16]);
        assert_ne!(body[16..], payload[16..]);
        let counter = altered(Alteration::Counter, &payload);
        assert_eq!(
            (&counter[..8], &counter[16..]),
            (&payload[..8], &payload[16..])
        );
        assert!(u64::from_le_bytes(counter[8..16].try_into().expect("8 bytes")) >= COUNTER_LEAP);
    }

    #[test]
    fn an_invented_source_differs_each_time_and_the_payload_stays() {
        let packet = packet_v4(50_000, 4774, &[7; 9]);
        let datagram = Datagram::read(&packet).expect("whole");
        let mut random = Seeded::new(1);
        let made: Vec<_> = (0..9)
            .map(|_| Alteration::Source.applied(&datagram, &mut random))
            .collect();
        for one in &made {
            assert_eq!(
                (one[12], one[13] >> 4, &one[16..20]),
                (172, 1, &packet[16..20])
            );
            assert_eq!((&one[22..24], &one[28..]), (&packet[22..24], &packet[28..]));
        }
        assert!(
            made.windows(2)
                .all(|pair| pair[0][12..22] != pair[1][12..22])
        );
    }

    #[test]
    fn short_payloads_are_left_as_they_are() {
        for alteration in [Alteration::Body, Alteration::Counter] {
            assert_eq!(altered(alteration, &[1, 2, 3]), [1, 2, 3]);
        }
    }

    #[test]
    fn the_checksum_adds_up() {
        let packet = packet_v4(50_000, 4774, &[1, 2, 3]);
        let datagram = Datagram::read(&packet).expect("whole");
        let made = Alteration::None.applied(&datagram, &mut Seeded::new(1));
        let mut sum = 17 + 11_u32;
        for pair in made[12..].chunks(2) {
            sum += u32::from(u16::from_be_bytes([
                pair[0],
                pair.get(1).copied().unwrap_or(0),
            ]));
        }
        assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff);
    }
}
