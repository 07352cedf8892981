//! Receiving: one system call fills a fixed pool of messages; each message may hold many datagrams of one size.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::time::{SystemTime, UNIX_EPOCH};

use socket2::{SockAddr, SockAddrStorage};

use super::control::{Control, Facts};
use super::socket::UdpSocket;
use crate::sys;

/// Maximum messages in one batch.
pub const MESSAGES_MAX: usize = 32;
/// Longest message: the kernel's maximum when it merges datagrams.
pub const DATAGRAM_MAX: usize = 65_536;
/// Oldest arrival time that is trusted, in microseconds. A larger age is a step of the wall clock, not time in the
/// buffer.
const AGE_MAX_US: u64 = 1_000_000;

/// The pool: 2 MiB, allocated once and used for any number of sockets in turn.
#[derive(Debug)]
pub struct RecvBatch {
    storage: Box<[u8]>,
    meta: [Meta; MESSAGES_MAX],
    /// The kernel's metadata. It is kept between calls: clearing it costs more than a small datagram.
    names: [SockAddrStorage; MESSAGES_MAX],
    controls: [Control; MESSAGES_MAX],
    filled: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Meta {
    remote: Option<SocketAddr>,
    facts: Facts,
    len: usize,
    at_us: u64,
}

/// Datagrams of one sender that arrived as one message.
#[derive(Debug)]
pub struct Message<'a> {
    pub remote: SocketAddr,
    /// The local address that they were sent to, if the socket was opened to report it.
    pub local: Option<IpAddr>,
    /// When the kernel received them, microseconds of `CLOCK_BOOTTIME`, never later than the end of the receiving call.
    pub at_us: u64,
    /// Length of each datagram but the last; ≥ 1.
    pub segment: usize,
    pub bytes: &'a mut [u8],
}

impl<'a> Message<'a> {
    pub fn datagrams(self) -> impl Iterator<Item = &'a mut [u8]> {
        self.bytes.chunks_mut(self.segment)
    }
}

impl Default for RecvBatch {
    fn default() -> Self {
        Self {
            storage: vec![0; MESSAGES_MAX * DATAGRAM_MAX].into_boxed_slice(),
            meta: [Meta::default(); MESSAGES_MAX],
            names: std::array::from_fn(|_| SockAddrStorage::zeroed()),
            controls: [Control::EMPTY; MESSAGES_MAX],
            filled: 0,
        }
    }
}

impl RecvBatch {
    /// The result of the last [`UdpSocket::recv_batch`]. Empty datagrams, and datagrams without a sender address, are
    /// skipped.
    pub fn messages(&mut self) -> impl Iterator<Item = Message<'_>> {
        let buffers = self.storage.chunks_exact_mut(DATAGRAM_MAX);
        self.meta[..self.filled].iter().zip(buffers).filter_map(|(meta, buffer)| {
            let bytes = &mut buffer[..meta.len];
            let segment = meta.facts.segment.filter(|size| *size > 0).unwrap_or(meta.len);
            let (remote, local, at_us) = (meta.remote?, meta.facts.local, meta.at_us);
            (meta.len > 0).then_some(Message { remote, local, at_us, segment, bytes })
        })
    }
}

impl UdpSocket {
    /// Receives what waits, at most [`MESSAGES_MAX`] messages, and returns their number; fewer means that no more wait.
    /// `WouldBlock` if none waited.
    pub fn recv_batch(&self, batch: &mut RecvBatch) -> io::Result<usize> {
        self.recv_some(batch, MESSAGES_MAX)
    }

    /// The same with at most `most` messages.
    pub fn recv_some(&self, batch: &mut RecvBatch, most: usize) -> io::Result<usize> {
        let RecvBatch { storage, meta, names, controls, filled } = batch;
        *filled = 0;
        // SAFETY: both are plain data; all zeros is a valid value.
        let (mut parts, mut headers): ([libc::iovec; MESSAGES_MAX], [libc::mmsghdr; MESSAGES_MAX]) =
            unsafe { std::mem::zeroed() };
        let buffers = storage.chunks_exact_mut(DATAGRAM_MAX);
        for (index, buffer) in buffers.enumerate() {
            parts[index] = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
            let header = &mut headers[index].msg_hdr;
            header.msg_name = (&raw mut names[index]).cast();
            header.msg_namelen = names[index].size_of();
            header.msg_iov = &raw mut parts[index];
            header.msg_iovlen = 1;
            header.msg_control = controls[index].bytes_mut().as_mut_ptr().cast();
            header.msg_controllen = controls[index].bytes().len() as _;
        }
        // SAFETY: every header points to the name, the part and the control buffer of its own index. These live and
        // stay untouched until the call returns. Each part describes a whole buffer of the pool, which is borrowed
        // exclusively.
        let got = unsafe {
            let count = most.min(MESSAGES_MAX) as libc::c_uint;
            libc::recvmmsg(self.as_raw_fd(), headers.as_mut_ptr(), count, libc::MSG_DONTWAIT as _, std::ptr::null_mut())
        };
        let got = usize::try_from(got).map_err(|_| io::Error::last_os_error())?;
        let (now, wall) = (sys::boot_us(), wall_us());
        for (((meta, header), name), control) in meta[..got].iter_mut().zip(&headers).zip(names).zip(controls) {
            let message = &header.msg_hdr;
            // The kernel returns how much it wrote; the bytes after that are from an earlier call. The type of the
            // length differs between C libraries.
            #[allow(clippy::unnecessary_cast)]
            let written = (message.msg_controllen as usize).min(control.bytes().len());
            let facts = Facts::parse(&control.bytes()[..written]);
            let age = facts.wall_us.map_or(0, |arrived| wall.saturating_sub(arrived));
            // A message that lost its end or its segment size cannot be split: it counts as empty.
            let whole = message.msg_flags & (libc::MSG_TRUNC | libc::MSG_CTRUNC) == 0;
            let name = std::mem::replace(name, SockAddrStorage::zeroed());
            // SAFETY: the kernel wrote an address of the socket's family, and its length.
            let remote = unsafe { SockAddr::new(name, message.msg_namelen) }.as_socket();
            let len = if whole { (header.msg_len as usize).min(DATAGRAM_MAX) } else { 0 };
            *meta = Meta { remote, facts, len, at_us: now.saturating_sub(if age > AGE_MAX_US { 0 } else { age }) };
        }
        *filled = got;
        Ok(got)
    }
}

fn wall_us() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}
