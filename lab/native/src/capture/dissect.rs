//! Parses packet headers. A truncated or damaged packet counts as "something else", never as an error.

use std::net::{IpAddr, SocketAddr};

/// Maximum extension headers parsed before a packet counts as something else.
const EXTENSIONS_MAX: usize = 8;

/// One IP packet, with the fields that the lab needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    pub from: IpAddr,
    pub to: IpAddr,
    /// The length in the IP header, even if less was captured.
    pub bytes: usize,
    pub payload: Payload<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload<'a> {
    Udp {
        from_port: u16,
        to_port: u16,
        /// The length in the UDP header, without that header.
        bytes: usize,
        data: &'a [u8],
    },
    Tcp {
        from_port: u16,
        to_port: u16,
        sequence: u32,
        syn: bool,
        ack: bool,
        fin: bool,
        rst: bool,
    },
    Other,
}

impl<'a> Packet<'a> {
    /// Parses a packet that starts with its IP header; `None` if it is not an IP packet.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        match bytes.first()? >> 4 {
            4 => read_v4(bytes),
            6 => read_v6(bytes),
            _ => None,
        }
    }
}

fn read_v4(bytes: &[u8]) -> Option<Packet<'_>> {
    let head_bytes = usize::from(bytes.first()? & 0x0f) * 4;
    let from = IpAddr::from(*bytes.get(12..)?.first_chunk::<4>()?);
    let to = IpAddr::from(*bytes.get(16..)?.first_chunk::<4>()?);
    let fragment_offset = u16_at(bytes, 6)? & 0x1fff;
    let payload = match bytes.get(head_bytes..) {
        Some(rest) if fragment_offset == 0 && head_bytes >= 20 => {
            read_payload(*bytes.get(9)?, rest)
        }
        _ => Payload::Other,
    };
    Some(Packet {
        from,
        to,
        bytes: usize::from(u16_at(bytes, 2)?),
        payload,
    })
}

fn read_v6(bytes: &[u8]) -> Option<Packet<'_>> {
    let from = IpAddr::from(*bytes.get(8..)?.first_chunk::<16>()?);
    let to = IpAddr::from(*bytes.get(24..)?.first_chunk::<16>()?);
    let length = 40 + usize::from(u16_at(bytes, 4)?);
    let (mut next, mut at) = (*bytes.get(6)?, 40);
    let mut payload = Payload::Other;
    for _ in 0..EXTENSIONS_MAX {
        let Some(rest) = bytes.get(at..).filter(|rest| rest.len() >= 2) else {
            break;
        };
        match next {
            0 | 43 | 60 => at += (usize::from(rest[1]) + 1) * 8,
            44 if u16_at(rest, 2).is_some_and(|offset| offset & 0xfff8 == 0) => at += 8,
            44 => break,
            protocol => {
                payload = read_payload(protocol, rest);
                break;
            }
        }
        next = rest[0];
    }
    Some(Packet {
        from,
        to,
        bytes: length,
        payload,
    })
}

fn read_payload(protocol: u8, bytes: &[u8]) -> Payload<'_> {
    let payload = match i32::from(protocol) {
        libc::IPPROTO_UDP => read_udp(bytes),
        libc::IPPROTO_TCP => read_tcp(bytes),
        _ => None,
    };
    payload.unwrap_or(Payload::Other)
}

fn read_udp(bytes: &[u8]) -> Option<Payload<'_>> {
    Some(Payload::Udp {
        from_port: u16_at(bytes, 0)?,
        to_port: u16_at(bytes, 2)?,
        bytes: usize::from(u16_at(bytes, 4)?).saturating_sub(8),
        data: bytes.get(8..)?,
    })
}

fn read_tcp(bytes: &[u8]) -> Option<Payload<'_>> {
    const FIN: u8 = 0x01;
    const SYN: u8 = 0x02;
    const RST: u8 = 0x04;
    const ACK: u8 = 0x10;
    let flags = *bytes.get(13)?;
    Some(Payload::Tcp {
        from_port: u16_at(bytes, 0)?,
        to_port: u16_at(bytes, 2)?,
        sequence: u32::from_be_bytes(*bytes.get(4..)?.first_chunk()?),
        syn: flags & SYN != 0,
        ack: flags & ACK != 0,
        fin: flags & FIN != 0,
        rst: flags & RST != 0,
    })
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Both ends of a TCP connection.
pub type Ends = (SocketAddr, SocketAddr);

#[cfg(test)]
pub mod made {
    //! Packets for tests.

    use std::net::Ipv4Addr;

    pub fn v4(from: [u8; 4], to: [u8; 4], protocol: u8, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x45, 0];
        packet.extend_from_slice(&(20 + payload.len() as u16).to_be_bytes());
        packet.extend_from_slice(&[0, 0, 0, 0, 64, protocol, 0, 0]);
        packet.extend_from_slice(&Ipv4Addr::from(from).octets());
        packet.extend_from_slice(&Ipv4Addr::from(to).octets());
        packet.extend_from_slice(payload);
        packet
    }

    pub fn v6(from: [u8; 16], to: [u8; 16], next: u8, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x60, 0, 0, 0];
        packet.extend_from_slice(&(payload.len() as u16).to_be_bytes());
        packet.extend_from_slice(&[next, 64]);
        packet.extend_from_slice(&from);
        packet.extend_from_slice(&to);
        packet.extend_from_slice(payload);
        packet
    }

    pub fn udp(from_port: u16, to_port: u16, data: &[u8]) -> Vec<u8> {
        let mut payload = Vec::new();
        for field in [from_port, to_port, 8 + data.len() as u16, 0] {
            payload.extend_from_slice(&field.to_be_bytes());
        }
        payload.extend_from_slice(data);
        payload
    }

    pub fn tcp(from_port: u16, to_port: u16, sequence: u32, flags: u8) -> Vec<u8> {
        let mut payload = Vec::new();
        payload.extend_from_slice(&from_port.to_be_bytes());
        payload.extend_from_slice(&to_port.to_be_bytes());
        payload.extend_from_slice(&sequence.to_be_bytes());
        payload.extend_from_slice(&[0, 0, 0, 0, 0x50, flags, 0, 0, 0, 0, 0, 0]);
        payload
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn udp_and_tcp_are_read_over_both_versions() {
        let packet = made::v4(
            [10, 0, 0, 1],
            [10, 0, 0, 2],
            17,
            &made::udp(5, 4774, b"hello"),
        );
        let read = Packet::read(&packet).expect("packet");
        assert_eq!(
            (read.from.to_string(), read.to.to_string(), read.bytes),
            ("10.0.0.1".into(), "10.0.0.2".into(), 33)
        );
        assert_eq!(
            read.payload,
            Payload::Udp {
                from_port: 5,
                to_port: 4774,
                bytes: 5,
                data: b"hello"
            }
        );

        let packet = made::v6([1; 16], [2; 16], 6, &made::tcp(7, 8, 99, 0x02));
        let expected = Payload::Tcp {
            from_port: 7,
            to_port: 8,
            sequence: 99,
            syn: true,
            ack: false,
            fin: false,
            rst: false,
        };
        assert_eq!(Packet::read(&packet).expect("packet").payload, expected);
    }

    #[test]
    fn extension_headers_are_followed_and_later_fragments_are_something_else() {
        let udp = made::udp(1, 2, b"x");
        let hop_by_hop = [[17, 0, 0, 0, 0, 0, 0, 0].as_slice(), &udp].concat();
        let packet = made::v6([1; 16], [2; 16], 0, &hop_by_hop);
        assert!(matches!(
            Packet::read(&packet).expect("packet").payload,
            Payload::Udp { .. }
        ));
        let fragment = [[17, 0, 0, 8, 0, 0, 0, 0].as_slice(), &udp].concat();
        let packet = made::v6([1; 16], [2; 16], 44, &fragment);
        assert_eq!(
            Packet::read(&packet).expect("packet").payload,
            Payload::Other
        );
        let mut packet = made::v4([1; 4], [2; 4], 17, &udp);
        packet[7] = 1;
        assert_eq!(
            Packet::read(&packet).expect("packet").payload,
            Payload::Other
        );
    }

    #[test]
    fn no_prefix_of_a_packet_and_no_noise_panics() {
        let mut random = crate::seeded::Seeded::new(5);
        for _ in 0..20_000 {
            let mut noise = vec![0; (random.next() % 120) as usize];
            random.fill(&mut noise);
            Packet::read(&noise);
        }
        let packet = made::v6([1; 16], [2; 16], 6, &made::tcp(7, 8, 99, 0x02));
        for end in 0..packet.len() {
            Packet::read(&packet[..end]);
        }
    }
}
