//! Control messages: `struct cmsghdr` and its data, as bytes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Alignment of a control message.
const ALIGN: usize = size_of::<usize>();
/// `cmsg_len`, `cmsg_level`, `cmsg_type`.
const HEADER: usize = size_of::<usize>() + 8;
/// Space for all control messages of one datagram: GRO size, packet info and time stamp need 96 bytes.
const SPACE: usize = 128;

/// Control messages of one datagram, aligned as the kernel requires.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(8))]
pub struct Control([u8; SPACE]);

impl Control {
    pub const EMPTY: Self = Self([0; SPACE]);

    pub fn bytes(&self) -> &[u8; SPACE] {
        &self.0
    }

    pub fn bytes_mut(&mut self) -> &mut [u8; SPACE] {
        &mut self.0
    }
}

/// Writes control messages one after another.
#[derive(Debug)]
pub struct Writer {
    control: Control,
    used: usize,
}

impl Writer {
    pub fn new() -> Self {
        Self { control: Control::EMPTY, used: 0 }
    }

    /// Asks the kernel to split the datagram into segments of this size.
    pub fn segment(mut self, size: u16) -> Self {
        self.push(libc::SOL_UDP, libc::UDP_SEGMENT, &size.to_ne_bytes());
        self
    }

    /// Sets the source address; the route decides the interface.
    pub fn source(mut self, address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => {
                // in_pktinfo: ifindex, spec_dst, addr
                let mut info = [0; 12];
                info[4..8].copy_from_slice(&v4.octets());
                self.push(libc::IPPROTO_IP, libc::IP_PKTINFO, &info);
            }
            IpAddr::V6(v6) => {
                // in6_pktinfo: addr, ifindex
                let mut info = [0; 20];
                info[..16].copy_from_slice(&v6.octets());
                self.push(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, &info);
            }
        }
        self
    }

    pub fn bytes(&self) -> &[u8] {
        &self.control.0[..self.used]
    }

    /// Only one message of each kind is ever written, so all fit.
    fn push(&mut self, level: i32, kind: i32, value: &[u8]) {
        let at = &mut self.control.0[self.used..];
        at[..ALIGN].copy_from_slice(&(HEADER + value.len()).to_ne_bytes());
        at[ALIGN..ALIGN + 4].copy_from_slice(&level.to_ne_bytes());
        at[ALIGN + 4..HEADER].copy_from_slice(&kind.to_ne_bytes());
        at[HEADER..HEADER + value.len()].copy_from_slice(value);
        self.used += (HEADER + value.len()).next_multiple_of(ALIGN);
    }
}

/// The kernel's information about a received datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Facts {
    /// The local address that the datagram was sent to.
    pub local: Option<IpAddr>,
    /// Size of the datagrams that the kernel merged.
    pub segment: Option<usize>,
    /// Arrival time, microseconds of the wall clock.
    pub wall_us: Option<u64>,
}

impl Facts {
    /// Parses the control messages in `bytes`. Unknown or truncated messages are skipped.
    pub fn parse(mut bytes: &[u8]) -> Self {
        let mut facts = Self::default();
        while let Some((header, rest)) = bytes.split_first_chunk::<HEADER>() {
            let Some(len) = read(&header[..ALIGN]).map(usize::from_ne_bytes) else { break };
            let Some(value) = len.checked_sub(HEADER).and_then(|len| rest.get(..len)) else { break };
            let number = |at: usize| read(&header[at..at + 4]).map_or(0, i32::from_ne_bytes);
            facts.take(number(ALIGN), number(ALIGN + 4), value);
            bytes = bytes.get(len.next_multiple_of(ALIGN)..).unwrap_or_default();
        }
        facts
    }

    fn take(&mut self, level: i32, kind: i32, value: &[u8]) {
        match (level, kind) {
            (libc::SOL_UDP, libc::UDP_GRO) => {
                self.segment = read(value).map(i32::from_ne_bytes).and_then(|size| usize::try_from(size).ok());
            }
            (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                self.local = value.get(4..).and_then(read::<4>).map(|raw| Ipv4Addr::from(raw).into());
            }
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                self.local = read::<16>(value).map(|raw| Ipv6Addr::from(raw).into());
            }
            (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => {
                let half = size_of::<libc::timespec>() / 2;
                let part = |at: usize| value.get(at..).and_then(read).map(libc::time_t::from_ne_bytes);
                let whole = part(0).zip(part(half)).map(|(seconds, nanoseconds)| {
                    seconds.unsigned_abs() * 1_000_000 + nanoseconds.unsigned_abs() / 1_000
                });
                self.wall_us = whole;
            }
            _ => {}
        }
    }
}

fn read<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_as_the_kernel_would() {
        let v6: IpAddr = "2001:db8::7".parse().expect("an address");
        let writer = Writer::new().source(v6).segment(1400);
        // The kernel returns UDP_GRO as an int; it accepts UDP_SEGMENT as 16 bits under another number.
        assert_eq!(Facts::parse(writer.bytes()), Facts { local: Some(v6), ..Facts::default() });
        let v4: IpAddr = "192.0.2.7".parse().expect("an address");
        assert_eq!(Facts::parse(Writer::new().source(v4).bytes()).local, Some(v4));
    }

    #[test]
    fn cut_off_or_nonsensical_messages_say_nothing() {
        let writer = Writer::new().source(Ipv4Addr::LOCALHOST.into());
        let bytes = writer.bytes();
        for len in 0..HEADER + 12 {
            assert_eq!(Facts::parse(&bytes[..len]), Facts::default(), "{len} bytes");
        }
        assert_eq!(Facts::parse(&[0; 64]), Facts::default());
        assert_eq!(Facts::parse(&[0xff; 64]), Facts::default());
    }
}
