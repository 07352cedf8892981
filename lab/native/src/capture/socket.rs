//! A packet socket over all interfaces of one namespace, read in batches.
//!
//! One socket receives from all interfaces, including later ones (a TUN device is created while the capture runs). It
//! delivers packets from their network header on, whatever link header the device uses.

use crate::clock;
use crate::sys::{self, done, owned};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

const BATCH: usize = 64;
const RECEIVE_BUFFER_BYTES: i32 = 128 * 1024 * 1024;
/// Control messages of one packet: an aligned time stamp.
const CONTROL_WORDS: usize = 8;

/// Where and when a packet was captured.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    pub interface: i32,
    /// `ARPHRD_…` of the device.
    pub hardware: u16,
    /// `ETH_P_…` of the packet.
    pub protocol: u16,
    /// `PACKET_…` of `linux/if_packet.h`: the kind of receiver.
    pub kind: u8,
    pub stamp_ns: u64,
}

impl Seen {
    pub fn is_outgoing(&self) -> bool {
        self.kind == libc::PACKET_OUTGOING
    }

    pub fn is_ethernet(&self) -> bool {
        self.hardware == libc::ARPHRD_ETHER
    }
}

/// The socket and its buffers.
#[derive(Debug)]
pub struct PacketSocket {
    socket: OwnedFd,
    snap: usize,
    packets: Vec<u8>,
    controls: Vec<[u64; CONTROL_WORDS]>,
    dropped: u64,
}

impl PacketSocket {
    /// Captures in the calling thread's namespace; at most `snap` bytes of each packet are kept.
    pub fn open(snap: usize) -> io::Result<Self> {
        let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: socket takes integers and returns a new descriptor. With protocol 0 it receives nothing until it is
        // bound.
        let socket = owned(unsafe { libc::socket(libc::AF_PACKET, kind, 0) })?;
        sys::receive_buffer(&socket, RECEIVE_BUFFER_BYTES)?;
        sys::set_option(&socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, &1_i32)?;
        keep_at_most(&socket, snap)?;
        let mut address = no_address();
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
        let len = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        // SAFETY: `address` is a valid sockaddr_ll of that length.
        done(unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), len) })?;
        let packets = vec![0; BATCH * snap];
        Ok(Self {
            socket,
            snap,
            packets,
            controls: vec![[0; CONTROL_WORDS]; BATCH],
            dropped: 0,
        })
    }

    pub fn fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    /// Passes the waiting packets to `look`, at most one batch, and returns their number.
    pub fn take(&mut self, mut look: impl FnMut(Seen, &[u8])) -> io::Result<usize> {
        // SAFETY: mmsghdr is plain data; all zeros is a valid value.
        let mut messages: [libc::mmsghdr; BATCH] = unsafe { std::mem::zeroed() };
        let mut addresses = [no_address(); BATCH];
        let mut parts = [libc::iovec {
            iov_base: std::ptr::null_mut(),
            iov_len: self.snap,
        }; BATCH];
        for (part, packet) in parts
            .iter_mut()
            .zip(self.packets.chunks_exact_mut(self.snap))
        {
            part.iov_base = packet.as_mut_ptr().cast();
        }
        let places = addresses.iter_mut().zip(&mut parts).zip(&mut self.controls);
        for (message, ((address, part), control)) in messages.iter_mut().zip(places) {
            message.msg_hdr.msg_name = std::ptr::from_mut(address).cast();
            message.msg_hdr.msg_namelen = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
            message.msg_hdr.msg_iov = part;
            message.msg_hdr.msg_iovlen = 1;
            message.msg_hdr.msg_control = control.as_mut_ptr().cast();
            message.msg_hdr.msg_controllen = size_of_val(control);
        }
        // SAFETY: each message points to its own buffer, address and control area; all are alive and have the given
        // lengths. There is no timeout.
        let got = unsafe {
            libc::recvmmsg(
                self.fd(),
                messages.as_mut_ptr(),
                BATCH as u32,
                0,
                std::ptr::null_mut(),
            )
        };
        let Ok(got) = usize::try_from(got) else {
            let error = io::Error::last_os_error();
            return if is_passing(&error) {
                Ok(0)
            } else {
                Err(error)
            };
        };
        let packets = self.packets.chunks_exact(self.snap);
        for ((message, address), packet) in messages.iter().zip(&addresses).zip(packets).take(got) {
            let stamp_ns =
                sys::stamp_of(&message.msg_hdr).map_or_else(clock::boot_ns, clock::boot_ns_of_real);
            let seen = Seen {
                interface: address.sll_ifindex,
                hardware: address.sll_hatype,
                protocol: u16::from_be(address.sll_protocol),
                kind: address.sll_pkttype,
                stamp_ns,
            };
            look(seen, &packet[..(message.msg_len as usize).min(self.snap)]);
        }
        Ok(got)
    }

    /// Number of packets that the kernel dropped since the start for lack of space. They are not in any count.
    pub fn dropped(&mut self) -> io::Result<u64> {
        let mut statistics = libc::tpacket_stats {
            tp_packets: 0,
            tp_drops: 0,
        };
        let mut len = size_of::<libc::tpacket_stats>() as libc::socklen_t;
        // SAFETY: `statistics` is valid for writing `len` bytes.
        done(unsafe {
            libc::getsockopt(
                self.fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                (&raw mut statistics).cast(),
                &raw mut len,
            )
        })?;
        self.dropped += u64::from(statistics.tp_drops); // reading resets the kernel's counter
        Ok(self.dropped)
    }

    /// The name of an interface of the socket's namespace; `None` if it is gone.
    pub fn name(&self, interface: i32) -> Option<String> {
        // SAFETY: ifreq is plain data; all zeros is a valid value.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        request.ifr_ifru.ifru_ifindex = interface;
        // SAFETY: SIOCGIFNAME reads and writes one ifreq, which `request` is.
        done(unsafe {
            libc::ioctl(
                self.fd(),
                libc::SIOCGIFNAME as libc::Ioctl,
                &raw mut request,
            )
        })
        .ok()?;
        let bytes: Vec<u8> = request
            .ifr_name
            .iter()
            .map(|&c| c as u8)
            .take_while(|&byte| byte != 0)
            .collect();
        String::from_utf8(bytes).ok()
    }
}

/// When an interface goes down, the kernel reports one error; the socket still receives from the other interfaces.
fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    ) || error.raw_os_error() == Some(libc::ENETDOWN)
}

fn keep_at_most(socket: &OwnedFd, snap: usize) -> io::Result<()> {
    const RETURN: u16 = 0x06;
    let mut accept = libc::sock_filter {
        code: RETURN,
        jt: 0,
        jf: 0,
        k: snap as u32,
    };
    let program = libc::sock_fprog {
        len: 1,
        filter: &raw mut accept,
    };
    sys::set_option(socket, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
}

fn no_address() -> libc::sockaddr_ll {
    // SAFETY: sockaddr_ll is plain data; all zeros is a valid value.
    unsafe { std::mem::zeroed() }
}
