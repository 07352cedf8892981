//! Opens a UDP socket for a path or for the gateway.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use super::fragments::RawSender;
use super::options::{dont_fragment, set, set_buffer, set_int};
use crate::steering;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

/// Desired buffer size per direction: 100 ms of 600 Mbit/s.
const BUFFER_BYTES: libc::c_int = 7 << 20;
/// Desired buffer size for handshakes: some hundred INITs. More would only wait too long.
const HANDSHAKE_BUFFER_BYTES: libc::c_int = 1 << 19;

/// How a socket is opened.
#[derive(Debug, Clone)]
pub struct UdpOptions<'a> {
    /// Local address; port 0 = any.
    pub bind: SocketAddr,
    /// Interface that all traffic of the socket must use (client paths).
    pub device: Option<&'a str>,
    /// Report which local address a datagram was sent to, and answer from it (gateway).
    pub reached_address: bool,
    /// `SO_MARK`; 0 = none.
    pub mark: u32,
    pub gso: bool,
    pub gro: bool,
}

/// A non-blocking UDP socket of one address family.
#[derive(Debug)]
pub struct UdpSocket {
    pub(super) socket: Socket,
    pub(super) v6: bool,
    /// Whether the kernel segments. Off for good once a route has refused it.
    pub(super) gso: Cell<bool>,
    gro: bool,
    pub(super) device: Option<String>,
    pub(super) mark: u32,
    pub(super) raw: RefCell<Option<RawSender>>,
}

/// One worker's sockets of an address.
#[derive(Debug)]
pub struct Listening {
    /// Gets INITs alone, so that a flood of them fills no buffer that data needs, and the worker can let them wait.
    pub handshakes: UdpSocket,
    /// Gets everything else.
    pub data: UdpSocket,
}

/// The kernel's features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    pub gso: bool,
    pub gro: bool,
}

impl Capabilities {
    /// The names of the available features: `udp_gso`, `udp_gro`.
    pub fn names(self) -> Vec<&'static str> {
        [(self.gso, "udp_gso"), (self.gro, "udp_gro")]
            .into_iter()
            .filter(|(has, _)| *has)
            .map(|(_, name)| name)
            .collect()
    }
}

/// Tests the kernel with a temporary socket.
pub fn probe() -> Capabilities {
    // Not the loopback address: in a new namespace that link is down and has no address.
    let bind = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let options = UdpOptions { bind, device: None, reached_address: false, mark: 0, gso: true, gro: true };
    UdpSocket::open(&options)
        .map(|socket| Capabilities { gso: socket.uses_gso(), gro: socket.uses_gro() })
        .unwrap_or_default()
}

impl UdpSocket {
    /// Fails if the address, the interface or the mark is not available. Offloads and large buffers are used if
    /// possible.
    pub fn open(options: &UdpOptions<'_>) -> io::Result<Self> {
        Self::open_beside(options, false)
    }

    /// Opens the sockets of one address for each worker. They share its datagrams ([`steering::by_kind_and_index`]).
    /// The first socket binds alone, so that an address in use by another process is an error; then it admits the
    /// others.
    pub fn open_group(options: &UdpOptions<'_>, workers: u8) -> io::Result<Vec<Listening>> {
        let first = Self::open(options)?;
        let options = UdpOptions { bind: first.local_addr()?, ..options.clone() };
        set_int(&first.socket, libc::SOL_SOCKET, libc::SO_REUSEPORT, 1)?;
        // The order of binding decides the positions that the program names.
        let mut data = vec![first];
        for _ in 1..workers {
            data.push(Self::open_beside(&options, true)?);
        }
        let mut group = Vec::new();
        for data in data {
            let handshakes = Self::open_beside(&options, true)?;
            set_buffer(&handshakes.socket, libc::SO_RCVBUFFORCE, libc::SO_RCVBUF, HANDSHAKE_BUFFER_BYTES)?;
            group.push(Listening { handshakes, data });
        }
        if let Some(first) = group.first() {
            steering::by_kind_and_index(&first.data, workers)?;
        }
        Ok(group)
    }

    fn open_beside(options: &UdpOptions<'_>, others: bool) -> io::Result<Self> {
        let v6 = options.bind.is_ipv6();
        let socket = Socket::new(Domain::for_address(options.bind), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        if v6 {
            socket.set_only_v6(true)?;
        }
        if let Some(device) = options.device {
            set(&socket, libc::SOL_SOCKET, libc::SO_BINDTODEVICE, device.as_bytes())?;
        }
        if options.mark != 0 {
            set(&socket, libc::SOL_SOCKET, libc::SO_MARK, &options.mark.to_ne_bytes())?;
        }
        if others {
            set_int(&socket, libc::SOL_SOCKET, libc::SO_REUSEPORT, 1)?;
        }
        if options.reached_address {
            let (level, name) =
                if v6 { (libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO) } else { (libc::IPPROTO_IP, libc::IP_PKTINFO) };
            set_int(&socket, level, name, 1)?;
        }
        set_int(&socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)?;
        set_buffer(&socket, libc::SO_RCVBUFFORCE, libc::SO_RCVBUF, BUFFER_BYTES)?;
        set_buffer(&socket, libc::SO_SNDBUFFORCE, libc::SO_SNDBUF, BUFFER_BYTES)?;
        // Segment size 0 changes nothing; a kernel without segmentation refuses the option.
        let gso = options.gso && set_int(&socket, libc::SOL_UDP, libc::UDP_SEGMENT, 0).is_ok();
        let gro = options.gro && set_int(&socket, libc::SOL_UDP, libc::UDP_GRO, 1).is_ok();
        let device = options.device.map(str::to_owned);
        let opened = Self { socket, v6, gso: Cell::new(gso), gro, device, mark: options.mark, raw: RefCell::default() };
        opened.set_dont_fragment(true)?;
        opened.socket.bind(&SockAddr::from(options.bind))?;
        Ok(opened)
    }

    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()?.as_socket().ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
    }

    pub fn uses_gso(&self) -> bool {
        self.gso.get()
    }

    pub fn uses_gro(&self) -> bool {
        self.gro
    }

    /// With DF, the kernel's cached path MTU is ignored: only the link MTU counts.
    pub(super) fn set_dont_fragment(&self, on: bool) -> io::Result<()> {
        dont_fragment(&self.socket, self.v6, on)
    }
}

impl AsFd for UdpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for UdpSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}
