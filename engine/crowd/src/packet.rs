//! The inner packets: IPv4, all of the same length.

use std::net::Ipv4Addr;

pub const INNER_BYTES: usize = 100;
const IP_BYTES: usize = 20;
const ICMP: u8 = 1;
const UDP: u8 = 17;

/// A UDP packet to a documentation network (RFC 5737): the gateway's kernel drops it without an answer.
pub fn unanswered(from: Ipv4Addr) -> [u8; INNER_BYTES] {
    let mut packet = ip(UDP, from, Ipv4Addr::new(192, 0, 2, 1));
    packet[20..22].copy_from_slice(&4_000u16.to_be_bytes());
    packet[22..24].copy_from_slice(&4_001u16.to_be_bytes());
    packet[24..26].copy_from_slice(&((INNER_BYTES - IP_BYTES) as u16).to_be_bytes());
    packet
}

/// An ICMP echo request.
pub fn ping(from: Ipv4Addr, to: Ipv4Addr) -> [u8; INNER_BYTES] {
    const REQUEST: u8 = 8;
    let mut packet = ip(ICMP, from, to);
    packet[20] = REQUEST;
    let sum = checksum(&packet[IP_BYTES..]);
    packet[22..24].copy_from_slice(&sum);
    packet
}

fn ip(protocol: u8, from: Ipv4Addr, to: Ipv4Addr) -> [u8; INNER_BYTES] {
    let mut packet = [0; INNER_BYTES];
    packet[0] = 0x45;
    packet[2..4].copy_from_slice(&(INNER_BYTES as u16).to_be_bytes());
    packet[8] = 64;
    packet[9] = protocol;
    packet[12..16].copy_from_slice(&from.octets());
    packet[16..20].copy_from_slice(&to.octets());
    let sum = checksum(&packet[..IP_BYTES]);
    packet[10..12].copy_from_slice(&sum);
    packet
}

/// The checksum of RFC 1071 over an even number of bytes.
fn checksum(bytes: &[u8]) -> [u8; 2] {
    let sum: u32 = bytes.chunks_exact(2).map(|word| u32::from(u16::from_be_bytes([word[0], word[1]]))).sum();
    (!(((sum & 0xFFFF) + (sum >> 16)) as u16)).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_sum_to_nothing() {
        let (from, to) = (Ipv4Addr::new(10, 64, 255, 254), Ipv4Addr::new(10, 64, 0, 1));
        assert_eq!(&unanswered(from)[12..20], &[10, 64, 255, 254, 192, 0, 2, 1]);
        assert_eq!(checksum(&unanswered(from)[..IP_BYTES]), [0, 0]);
        let ping = ping(from, to);
        assert_eq!((checksum(&ping[..IP_BYTES]), checksum(&ping[IP_BYTES..])), ([0, 0], [0, 0]));
    }
}
