//! Sends datagrams that exceed the path MTU as fragments that fit. The kernel fragments to its own idea of the path
//! MTU, and it learns nothing from a path that silently drops long packets. Therefore the fragments are made here.
//!
//! ```text
//!   IPv4 (offset, more) ‖ UDP header ‖ payload …     IPv4 (offset) ‖ payload …
//!   IPv6 ‖ fragment header ‖ UDP header ‖ payload …  IPv6 ‖ fragment header ‖ payload …
//! ```

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::control::Writer;
use super::options::{dont_fragment, set};
use crate::checksum::Sum;
use crate::sys::boot_us;

const V4_HEADER: usize = 20;
const V6_HEADER: usize = 40;
const FRAGMENT_HEADER: usize = 8;
const UDP_HEADER: usize = 8;
const HEAD_MAX: usize = V6_HEADER + FRAGMENT_HEADER + UDP_HEADER;
const UDP: u8 = 17;
const FRAGMENT: u8 = 44;
const HOPS: u8 = 64;
const V4_MORE: usize = 0x2000;
const V6_MORE: usize = 1;
/// All fragments but the last are multiples of this.
const UNIT: usize = 8;
/// Longest datagram: the maximum UDP length less the longest IP header.
const DATAGRAM_MAX: usize = 65_535 - V6_HEADER - FRAGMENT_HEADER - UDP_HEADER;

/// Sends IP packets with their own headers; created on first use.
#[derive(Debug)]
pub(super) struct RawSender {
    socket: Socket,
    port: u16,
    address: IpAddr,
    id: u32,
}

impl RawSender {
    /// Opens a sender for the datagrams of a socket that is bound to `local`, on the same interface and with the same
    /// mark.
    pub(super) fn open(local: SocketAddr, device: Option<&str>, mark: u32) -> io::Result<Self> {
        let v6 = local.is_ipv6();
        let domain = if v6 { Domain::IPV6 } else { Domain::IPV4 };
        let socket = Socket::new(domain, Type::from(libc::SOCK_RAW), Some(Protocol::from(libc::IPPROTO_RAW)))?;
        socket.set_nonblocking(true)?;
        if let Some(device) = device {
            set(&socket, libc::SOL_SOCKET, libc::SO_BINDTODEVICE, device.as_bytes())?;
        }
        if mark != 0 {
            set(&socket, libc::SOL_SOCKET, libc::SO_MARK, &mark.to_ne_bytes())?;
        }
        // As on the datagrams' own socket: ICMP messages about the path are not trusted.
        dont_fragment(&socket, v6, true)?;
        Ok(Self { socket, port: local.port(), address: local.ip(), id: boot_us() as u32 })
    }

    pub(super) fn send(
        &mut self,
        to: SocketAddr,
        from: Option<IpAddr>,
        datagram: &[u8],
        packet_max: u16,
    ) -> io::Result<()> {
        let source = from.unwrap_or(self.address);
        if source.is_unspecified() {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        }
        if datagram.len() > DATAGRAM_MAX {
            return Err(io::Error::from_raw_os_error(libc::EMSGSIZE));
        }
        self.id = self.id.wrapping_add(1);
        let mut head = [0; HEAD_MAX];
        let (ip_len, addresses) = self.ip_header(&mut head, source, to.ip())?;
        let len = UDP_HEADER + datagram.len();
        let udp = &mut head[ip_len..ip_len + UDP_HEADER];
        udp[..2].copy_from_slice(&self.port.to_be_bytes());
        udp[2..4].copy_from_slice(&to.port().to_be_bytes());
        udp[4..6].copy_from_slice(&(len as u16).to_be_bytes());
        let mut pair = [0; 32];
        let pair = &mut pair[..addresses.len()];
        pair.copy_from_slice(&head[addresses]);
        let udp = &mut head[ip_len..ip_len + UDP_HEADER];
        let sum = Sum::default().pseudo_header(pair, UDP, len).bytes(udp).bytes(datagram);
        udp[6..].copy_from_slice(&sum.finish_nonzero());
        let room = (usize::from(packet_max).saturating_sub(ip_len) / UNIT * UNIT).max(UNIT);
        let mut sent = 0;
        while sent < len {
            let part = room.min(len - sent);
            place(&mut head, ip_len, part, sent, sent + part < len);
            if sent == 0 {
                self.send_one(to, source, &head[..ip_len + UDP_HEADER], &datagram[..part - UDP_HEADER])?;
            } else {
                self.send_one(to, source, &head[..ip_len], &datagram[sent - UDP_HEADER..][..part])?;
            }
            sent += part;
        }
        Ok(())
    }

    /// Writes the header that all fragments share. Returns the length of the headers before UDP, and the position of
    /// the addresses.
    fn ip_header(
        &self,
        head: &mut [u8; HEAD_MAX],
        source: IpAddr,
        destination: IpAddr,
    ) -> io::Result<(usize, std::ops::Range<usize>)> {
        match (source, destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                head[0] = 0x45;
                // The kernel would replace 0, with a different value for each fragment.
                head[4..6].copy_from_slice(&(self.id as u16).max(1).to_be_bytes());
                (head[8], head[9]) = (HOPS, UDP);
                head[12..16].copy_from_slice(&source.octets());
                head[16..20].copy_from_slice(&destination.octets());
                Ok((V4_HEADER, 12..20))
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                head[0] = 0x60;
                (head[6], head[7]) = (FRAGMENT, HOPS);
                head[8..24].copy_from_slice(&source.octets());
                head[24..40].copy_from_slice(&destination.octets());
                head[V6_HEADER] = UDP;
                head[V6_HEADER + 4..V6_HEADER + 8].copy_from_slice(&self.id.to_be_bytes());
                Ok((V6_HEADER + FRAGMENT_HEADER, 8..40))
            }
            _ => Err(io::Error::from_raw_os_error(libc::EAFNOSUPPORT)),
        }
    }

    fn send_one(&self, to: SocketAddr, source: IpAddr, head: &[u8], body: &[u8]) -> io::Result<()> {
        let to = SockAddr::from(SocketAddr::new(to.ip(), 0));
        let control = Writer::new().source(source);
        let part = |bytes: &[u8]| libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        let mut parts = [part(head), part(body)];
        // SAFETY: plain data; all zeros is a valid value.
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        message.msg_name = to.as_ptr().cast_mut().cast();
        message.msg_namelen = to.len();
        message.msg_iov = parts.as_mut_ptr();
        message.msg_iovlen = parts.len() as _;
        message.msg_control = control.bytes().as_ptr().cast_mut().cast();
        message.msg_controllen = control.bytes().len() as _;
        // SAFETY: the message points to the address, the two parts and the control bytes, which are all alive; the
        // kernel only reads them.
        let result = unsafe { libc::sendmsg(self.socket.as_raw_fd(), &raw const message, libc::MSG_DONTWAIT) };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

/// Writes the length of one fragment and its offset.
fn place(head: &mut [u8; HEAD_MAX], ip_len: usize, part: usize, sent: usize, more: bool) {
    let mut word = |at: usize, value: usize| head[at..at + 2].copy_from_slice(&(value as u16).to_be_bytes());
    if ip_len == V4_HEADER {
        word(2, V4_HEADER + part);
        word(6, (sent / UNIT) | if more { V4_MORE } else { 0 });
    } else {
        word(4, FRAGMENT_HEADER + part);
        word(V6_HEADER + 2, sent | if more { V6_MORE } else { 0 });
    }
}
