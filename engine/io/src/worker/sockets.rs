//! The outer sockets by ID: one per listening address on a gateway, one per path on a client.

use std::{
    io, iter,
    net::{IpAddr, SocketAddr},
    ops::Range,
    os::fd::{AsRawFd, RawFd},
};

use jvpn_proto::blame::DropKind;
use jvpn_proto::endpoint::{Route, SocketId};

use crate::udp::{Listening, RecvBatch, SendError, SendFailure, UdpOptions, UdpSocket};

/// Maximum open sockets: a gateway's addresses, or a client's paths to all gateways that it may try.
pub const SOCKETS_MAX: usize = 64;

/// Settings that all sockets of an engine share.
#[derive(Debug, Clone, Copy)]
pub struct SocketDefaults {
    pub mark: u32,
    pub gso: bool,
    pub gro: bool,
}

#[derive(Debug)]
pub struct Sockets {
    defaults: SocketDefaults,
    entries: Vec<Entry>,
    /// A gateway's sockets that get INITs alone.
    handshakes: Vec<(SocketId, UdpSocket)>,
}

#[derive(Debug)]
struct Entry {
    id: SocketId,
    socket: UdpSocket,
    /// The error number already reported, until a send succeeds: sends on a dead interface fail thousands of times a
    /// second.
    told: Option<i32>,
}

/// How to send datagrams that may exceed the link or the path MTU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// They fit the path; if they do not fit the link, they are fragmented.
    Path,
    /// One datagram, whole or not at all.
    Whole,
    /// In fragments of this many bytes.
    Cut(u16),
}

/// Details of a failed send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsent {
    /// Bytes that were sent before the failure.
    pub sent: usize,
    /// The kind under which the rest is counted as dropped.
    pub kind: DropKind,
    /// A local hard error that was not reported before.
    pub news: Option<i32>,
}

impl Sockets {
    pub fn new(defaults: SocketDefaults) -> Self {
        Self { defaults, entries: Vec::new(), handshakes: Vec::new() }
    }

    /// Opens a gateway's sockets at one address for each worker. They answer from the local address that a
    /// datagram was sent to. Returns the address with the actual port.
    pub fn listen(workers: &mut [Self], id: SocketId, bind: SocketAddr) -> io::Result<SocketAddr> {
        let Some(first) = workers.first() else { return Err(io::ErrorKind::InvalidInput.into()) };
        first.room_for(id)?;
        let sockets = UdpSocket::open_group(&first.options(bind, None), workers.len() as u8)?;
        let mut bound = bind;
        for (worker, Listening { handshakes, data }) in iter::zip(workers, sockets) {
            bound = worker.add(id, data)?;
            worker.handshakes.push((id, handshakes));
        }
        Ok(bound)
    }

    /// Opens a client's socket, which uses one interface and one source address whatever the routes are.
    pub fn bind_path(&mut self, id: SocketId, device: &str, local: IpAddr) -> io::Result<SocketAddr> {
        self.room_for(id)?;
        let socket = UdpSocket::open(&self.options(SocketAddr::new(local, 0), Some(device)))?;
        self.add(id, socket)
    }

    fn room_for(&self, id: SocketId) -> io::Result<()> {
        if self.entries.len() >= SOCKETS_MAX {
            return Err(io::Error::from_raw_os_error(libc::EMFILE));
        }
        if self.position(id).is_some() {
            return Err(io::Error::from_raw_os_error(libc::EEXIST));
        }
        Ok(())
    }

    fn options<'a>(&self, bind: SocketAddr, device: Option<&'a str>) -> UdpOptions<'a> {
        let SocketDefaults { mark, gso, gro } = self.defaults;
        UdpOptions { bind, device, reached_address: device.is_none(), mark, gso, gro }
    }

    fn add(&mut self, id: SocketId, socket: UdpSocket) -> io::Result<SocketAddr> {
        let local = socket.local_addr()?;
        self.entries.push(Entry { id, socket, told: None });
        Ok(local)
    }

    pub fn close(&mut self, id: SocketId) {
        self.entries.retain(|entry| entry.id != id);
        self.handshakes.retain(|(own, _)| *own != id);
    }

    /// Descriptors in the order of their positions: those for data, then those for handshakes.
    pub fn descriptors(&self) -> impl Iterator<Item = RawFd> {
        let data = self.entries.iter().map(|entry| entry.socket.as_raw_fd());
        data.chain(self.handshakes.iter().map(|(_, socket)| socket.as_raw_fd()))
    }

    /// Positions of the sockets for data.
    pub fn for_data(&self) -> Range<usize> {
        0..self.entries.len()
    }

    /// Positions of the sockets for handshakes; a client has none.
    pub fn for_handshakes(&self) -> Range<usize> {
        self.entries.len()..self.entries.len() + self.handshakes.len()
    }

    /// Fills the batch from the socket at `position`, with at most `most` messages. Returns the socket's ID and their
    /// number; `None` = nothing waits.
    pub fn receive(
        &self,
        position: usize,
        batch: &mut RecvBatch,
        most: usize,
    ) -> Option<(SocketId, io::Result<usize>)> {
        let (id, socket) = match position.checked_sub(self.entries.len()) {
            None => self.entries.get(position).map(|entry| (entry.id, &entry.socket))?,
            Some(position) => self.handshakes.get(position).map(|(id, socket)| (*id, socket))?,
        };
        match socket.recv_some(batch, most) {
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => None,
            result => Some((id, result)),
        }
    }

    /// Sends datagrams from one socket, as many as one call takes. Returns how many were sent.
    pub fn send_many<'a>(&self, id: SocketId, datagrams: impl Iterator<Item = (Route, &'a [u8])>) -> usize {
        let Some(position) = self.position(id) else { return 0 };
        let addressed = datagrams.map(|(route, data)| (route.remote, route.local, data));
        self.entries[position].socket.send_many(addressed).unwrap_or(0)
    }

    /// Sends datagrams of `segment` bytes; the last may be shorter.
    pub fn send(&mut self, route: Route, bytes: &[u8], segment: usize, fit: Fit) -> Result<(), Unsent> {
        let Some(position) = self.position(route.socket) else {
            return Err(Unsent { sent: 0, kind: DropKind::SendPathClosed, news: None });
        };
        let entry = &mut self.entries[position];
        let (to, from) = (route.remote, route.local);
        let sent = match fit {
            Fit::Path => entry.socket.send_gso(to, from, bytes, segment),
            Fit::Whole => entry.socket.send_whole(to, from, bytes),
            Fit::Cut(packet_max) => entry.socket.send_fragmented(to, from, bytes, segment, packet_max),
        };
        match sent {
            Ok(()) => {
                entry.told = None;
                Ok(())
            }
            Err(SendFailure { sent, error }) => Err(entry.unsent(sent, error)),
        }
    }

    fn position(&self, id: SocketId) -> Option<usize> {
        self.entries.iter().position(|entry| entry.id == id)
    }
}

impl Entry {
    fn unsent(&mut self, sent: usize, error: SendError) -> Unsent {
        match error {
            SendError::WouldBlock => Unsent { sent, kind: DropKind::SendBufferFull, news: None },
            SendError::Drop(libc::EMSGSIZE) => Unsent { sent, kind: DropKind::SendTooLong, news: None },
            SendError::Drop(_) => Unsent { sent, kind: DropKind::SendRefused, news: None },
            SendError::Hard(errno) => {
                let told = self.told.replace(errno) == Some(errno);
                Unsent { sent, kind: DropKind::SendUnreachable, news: (!told).then_some(errno) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const DEFAULTS: SocketDefaults = SocketDefaults { mark: 0, gso: true, gro: true };

    fn listen(sockets: &mut Sockets, id: SocketId, bind: SocketAddr) -> io::Result<SocketAddr> {
        Sockets::listen(std::slice::from_mut(sockets), id, bind)
    }

    #[test]
    fn an_id_is_used_once_and_the_number_of_sockets_is_bounded() -> io::Result<()> {
        let mut sockets = Sockets::new(DEFAULTS);
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        listen(&mut sockets, 7, any)?;
        assert_eq!(listen(&mut sockets, 7, any).map_err(|error| error.raw_os_error()), Err(Some(libc::EEXIST)));
        for id in 100..100 + SOCKETS_MAX as u32 - 1 {
            listen(&mut sockets, id, any)?;
        }
        assert_eq!(listen(&mut sockets, 8, any).map_err(|error| error.raw_os_error()), Err(Some(libc::EMFILE)));
        sockets.close(7);
        listen(&mut sockets, 8, any).map(drop)
    }

    #[test]
    fn a_hard_error_is_told_once_until_a_send_succeeds() -> io::Result<()> {
        let mut sockets = Sockets::new(DEFAULTS);
        let local = listen(&mut sockets, 1, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let to = |remote| Route { socket: 1, local: None, remote };
        // A source address on the loopback network cannot reach other networks.
        let away = to(SocketAddr::from(([192, 0, 2, 1], 9)));
        let first = sockets.send(away, b"x", 1, Fit::Path);
        if let Err(Unsent { news: Some(_), .. }) = first {
            assert!(matches!(
                sockets.send(away, b"x", 1, Fit::Path),
                Err(Unsent { news: None, kind: DropKind::SendUnreachable, .. })
            ));
            assert_eq!(sockets.send(to(local), b"x", 1, Fit::Path), Ok(()));
            assert!(matches!(sockets.send(away, b"x", 1, Fit::Path), Err(Unsent { news: Some(_), .. })));
        }
        Ok(())
    }
}
