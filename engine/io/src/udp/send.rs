//! Sending: a batch of equal segments in one system call, or segment by segment if the kernel refuses that.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;

use socket2::SockAddr;

use super::control::Writer;
use super::socket::UdpSocket;

/// Maximum segments in one call (`UDP_MAX_SEGMENTS` of kernels before 6.9).
pub const SEGMENTS_MAX: usize = 64;
/// Maximum bytes in one call: the longest UDP payload over IPv4.
pub const BATCH_BYTES_MAX: usize = 65_507;

/// A batch was not sent, or only in part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendFailure {
    /// Bytes of the batch that were sent, in whole segments; the rest starts there.
    pub sent: usize,
    pub error: SendError,
}

/// The meaning of a failed send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendError {
    /// The socket's buffer is full.
    WouldBlock,
    /// This socket cannot send: no route, no interface, or the local address is gone. Contains the error number.
    Hard(i32),
    /// This datagram was refused; the next may succeed. Contains the error number.
    Drop(i32),
}

impl SendError {
    pub(super) fn of(error: &io::Error) -> Self {
        match error.raw_os_error().unwrap_or(libc::EIO) {
            libc::EAGAIN => Self::WouldBlock,
            // The machine no longer has the source address: ENETUNREACH over IPv4, EINVAL over IPv6.
            libc::EINVAL => Self::Hard(libc::EADDRNOTAVAIL),
            hard @ (libc::ENETUNREACH | libc::EHOSTUNREACH | libc::ENETDOWN | libc::ENODEV | libc::EADDRNOTAVAIL) => {
                Self::Hard(hard)
            }
            other => Self::Drop(other),
        }
    }
}

/// Destination and source of a batch, in the kernel's form.
struct Target {
    to: SockAddr,
    from: Option<IpAddr>,
}

impl UdpSocket {
    /// Sends one datagram, fragmented if it does not fit the link.
    pub fn send(&self, to: SocketAddr, from: Option<IpAddr>, datagram: &[u8]) -> Result<(), SendFailure> {
        self.send_gso(to, from, datagram, datagram.len())
    }

    /// Sends datagrams of `segment` bytes each; the last may be shorter. `from` = source address, if the socket has
    /// several. Any length is possible: a batch that exceeds one call is sent in several. If a route refuses
    /// segmentation, the socket stops using it, and the batch is sent segment by segment.
    pub fn send_gso(
        &self,
        to: SocketAddr,
        from: Option<IpAddr>,
        batch: &[u8],
        segment: usize,
    ) -> Result<(), SendFailure> {
        if batch.is_empty() {
            return Ok(());
        }
        if segment == 0 || segment > BATCH_BYTES_MAX {
            return Err(SendFailure { sent: 0, error: SendError::Drop(libc::EMSGSIZE) });
        }
        let target = Target { to: to.into(), from };
        let per_call = segment * SEGMENTS_MAX.min(BATCH_BYTES_MAX / segment);
        let mut sent = 0;
        for part in batch.chunks(per_call) {
            self.send_part(&target, part, segment).map_err(|failure| failure.after(sent))?;
            sent += part.len();
        }
        Ok(())
    }

    /// Sends datagrams with destinations of their own, at most [`SEGMENTS_MAX`], in one call. Returns how many were
    /// sent; the error is that of the first one.
    pub fn send_many<'a>(
        &self,
        datagrams: impl Iterator<Item = (SocketAddr, Option<IpAddr>, &'a [u8])>,
    ) -> io::Result<usize> {
        let mut letters: Vec<(Target, Writer, libc::iovec)> = datagrams
            .take(SEGMENTS_MAX)
            .map(|(to, from, datagram)| {
                let target = Target { to: to.into(), from };
                let control = target.control();
                (target, control, iovec(datagram))
            })
            .collect();
        let mut headers: Vec<libc::mmsghdr> = letters
            .iter_mut()
            .map(|(target, control, iovec)| libc::mmsghdr {
                msg_hdr: message(target, iovec, control.bytes()),
                msg_len: 0,
            })
            .collect();
        // SAFETY: every header points to the address, the control bytes and the iovec of its own letter, and the iovec
        // to a datagram. All live until the call returns; the kernel reads them and writes only `msg_len`.
        let result = unsafe {
            let count = headers.len() as libc::c_uint;
            libc::sendmmsg(self.as_raw_fd(), headers.as_mut_ptr(), count, libc::MSG_DONTWAIT as _)
        };
        usize::try_from(result).map_err(|_| io::Error::last_os_error())
    }

    /// Sends one datagram whole or not at all: `Drop(EMSGSIZE)` if it does not fit the link.
    pub fn send_whole(&self, to: SocketAddr, from: Option<IpAddr>, datagram: &[u8]) -> Result<(), SendFailure> {
        self.send_single(to, from, datagram, datagram.len())
    }

    /// Sends each datagram on its own, without kernel segmentation.
    pub(super) fn send_single(
        &self,
        to: SocketAddr,
        from: Option<IpAddr>,
        batch: &[u8],
        segment: usize,
    ) -> Result<(), SendFailure> {
        let target = Target { to: to.into(), from };
        let mut sent = 0;
        while sent < batch.len() {
            match self.send_some(&target, &batch[sent..], segment.max(1)) {
                Ok(bytes) => sent += bytes,
                Err(error) => return Err(SendFailure { sent, error: SendError::of(&error) }),
            }
        }
        Ok(())
    }

    fn send_part(&self, target: &Target, part: &[u8], segment: usize) -> Result<(), SendFailure> {
        if part.len() <= segment || !self.gso.get() {
            return self.send_each(target, part, segment).map(drop);
        }
        let refused = match self.send_message(target, part, &target.control().segment(segment as u16)) {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        match refused.raw_os_error() {
            // Either this route has no offload, or the segment does not fit the link: only a send can tell.
            Some(libc::EIO | libc::EINVAL | libc::EMSGSIZE) => {
                let fragmented = self.send_each(target, part, segment)?;
                self.gso.set(fragmented);
                Ok(())
            }
            _ => Err(SendFailure { sent: 0, error: SendError::of(&refused) }),
        }
    }

    fn send_message(&self, target: &Target, part: &[u8], control: &Writer) -> io::Result<()> {
        let mut iovec = iovec(part);
        let header = message(target, &mut iovec, control.bytes());
        // SAFETY: the header points to the target's address, the iovec and the control bytes, which are all alive; the
        // kernel only reads them.
        let result = unsafe { libc::sendmsg(self.as_raw_fd(), &raw const header, libc::MSG_DONTWAIT) };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Sends segment by segment; `true` if some had to be fragmented.
    fn send_each(&self, target: &Target, part: &[u8], segment: usize) -> Result<bool, SendFailure> {
        let mut sent = 0;
        let mut fragmenting = false;
        let result = loop {
            if sent == part.len() {
                break Ok(());
            }
            match self.send_some(target, &part[sent..], segment) {
                Ok(bytes) => sent += bytes,
                Err(error) if error.raw_os_error() == Some(libc::EMSGSIZE) && !fragmenting => {
                    fragmenting = true;
                    if let Err(error) = self.set_dont_fragment(false) {
                        break Err(error);
                    }
                }
                Err(error) => break Err(error),
            }
        };
        let restored = if fragmenting { self.set_dont_fragment(true) } else { Ok(()) };
        result.and(restored).map_err(|error| SendFailure { sent, error: SendError::of(&error) })?;
        Ok(fragmenting)
    }

    /// Makes one call with up to [`SEGMENTS_MAX`] datagrams. Returns the bytes sent, at least one datagram.
    fn send_some(&self, target: &Target, part: &[u8], segment: usize) -> io::Result<usize> {
        let control = target.control();
        if part.len() <= segment {
            return self.send_message(target, part, &control).map(|()| part.len());
        }
        // SAFETY: both are plain data; all zeros is a valid value.
        let (mut iovecs, mut headers): ([libc::iovec; SEGMENTS_MAX], [libc::mmsghdr; SEGMENTS_MAX]) =
            unsafe { std::mem::zeroed() };
        let mut count = 0;
        for ((datagram, iovec_of), header) in part.chunks(segment).zip(&mut iovecs).zip(&mut headers) {
            *iovec_of = iovec(datagram);
            header.msg_hdr = message(target, iovec_of, control.bytes());
            count += 1;
        }
        // SAFETY: the first `count` headers point to the target's address, to their own iovec and to the control bytes.
        // All live until the call returns; the kernel reads them and writes only `msg_len`.
        let result = unsafe { libc::sendmmsg(self.as_raw_fd(), headers.as_mut_ptr(), count, libc::MSG_DONTWAIT as _) };
        let whole = usize::try_from(result).map_err(|_| io::Error::last_os_error())?;
        if whole == 0 { Err(io::Error::from_raw_os_error(libc::EAGAIN)) } else { Ok((whole * segment).min(part.len())) }
    }
}

impl SendFailure {
    fn after(self, before: usize) -> Self {
        Self { sent: self.sent + before, ..self }
    }
}

impl Target {
    fn control(&self) -> Writer {
        self.from.into_iter().fold(Writer::new(), Writer::source)
    }
}

fn iovec(bytes: &[u8]) -> libc::iovec {
    libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() }
}

/// Builds a header that borrows its arguments without a lifetime: it must not outlive them.
fn message(target: &Target, iovec: &mut libc::iovec, control: &[u8]) -> libc::msghdr {
    // SAFETY: plain data; all zeros is a valid value.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_name = target.to.as_ptr().cast_mut().cast();
    header.msg_namelen = target.to.len();
    header.msg_iov = iovec;
    header.msg_iovlen = 1;
    if !control.is_empty() {
        header.msg_control = control.as_ptr().cast_mut().cast();
        header.msg_controllen = control.len() as _;
    }
    header
}
