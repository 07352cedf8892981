//! The outer side: the endpoint's state, and the sockets that it uses.

use jvpn_proto::blame::DropKind;
use jvpn_proto::{
    endpoint::{Endpoint, Route, SizedFor, SocketId, Transmit},
    messages::{Command, PathDescription, Role},
};

use super::sockets::{Fit, Sockets, Unsent};
use crate::{
    fault::{errno_name, io_error_name},
    sys::boot_us,
    udp::SEGMENTS_MAX,
};

/// Maximum control datagrams in one turn.
const TRANSMITS_PER_TURN: usize = 4_096;

#[derive(Debug)]
pub struct Outer {
    pub role: Role,
    pub endpoint: Endpoint,
    pub sockets: Sockets,
}

impl Outer {
    /// Every command goes to the endpoint; sockets are opened and closed here.
    pub fn obey(&mut self, command: Command) {
        let now = boot_us();
        let opening = match &command {
            Command::OpenPath { path, description, .. } => Some((*path, description.clone())),
            _ => None,
        };
        let closing = if let Command::ClosePath { path, .. } = &command { Some(*path) } else { None };
        if self.endpoint.command(now, command).is_err() {
            // The endpoint has already reported or counted it.
            return;
        }
        if let Some((path, PathDescription { interface, local, remote, .. })) = opening {
            match self.sockets.bind_path(path, interface.as_deref().unwrap_or_default(), local) {
                Ok(bound) => self.endpoint.path_opened(boot_us(), path, bound, remote),
                Err(error) => self.endpoint.path_error(boot_us(), path, &io_error_name(&error)),
            }
        }
        if let Some(path) = closing {
            // Send the endpoint's messages about the closing before the socket closes.
            self.transmit();
            self.sockets.close(path);
        }
    }

    /// Sends control datagrams, many with one call. `true` = the turn's limit was reached.
    pub fn transmit(&mut self) -> bool {
        let mut together: Vec<Transmit> = Vec::new();
        for _ in 0..TRANSMITS_PER_TURN {
            let Some(transmit) = self.endpoint.transmit() else {
                self.send_together(&mut together);
                return false;
            };
            let same_socket = together.last().is_none_or(|last| last.route.socket == transmit.route.socket);
            if transmit.whole.is_some() || !same_socket || together.len() == SEGMENTS_MAX {
                self.send_together(&mut together);
            }
            match transmit.whole {
                None => together.push(transmit),
                Some(of) => self.send_whole(of, &transmit),
            }
        }
        self.send_together(&mut together);
        true
    }

    /// Sends datagrams of one socket in their order. The result does not matter: the endpoint repeats every message
    /// that must arrive.
    fn send_together(&mut self, datagrams: &mut Vec<Transmit>) {
        let mut left = datagrams.as_slice();
        while let Some(first) = left.first() {
            let many = left.iter().map(|Transmit { route, data, .. }| (*route, data.as_slice()));
            let sent = if left.len() > 1 { self.sockets.send_many(first.route.socket, many) } else { 0 };
            if sent == 0 {
                // It is sent alone: then it may leave in fragments, and a failure is counted.
                self.send(first.route, &first.data, first.data.len(), Fit::Path);
            }
            left = &left[sent.max(1)..];
        }
        datagrams.clear();
    }

    /// Sends a datagram that asks for the size of the path.
    fn send_whole(&mut self, of: SizedFor, Transmit { route, data, .. }: &Transmit) {
        let sent = self.sockets.send(*route, data, data.len(), Fit::Whole);
        if sent.is_err_and(|unsent| unsent.kind == DropKind::SendTooLong) {
            self.endpoint.too_big(boot_us(), of, data.len());
        }
    }

    /// Sends datagrams of `segment` bytes (the last may be shorter) and returns how many bytes were sent. The rest is
    /// counted as dropped, and the endpoint gets a local hard error.
    pub fn send(&mut self, route: Route, bytes: &[u8], segment: usize, fit: Fit) -> usize {
        let Err(Unsent { sent, kind, news }) = self.sockets.send(route, bytes, segment, fit) else {
            return bytes.len();
        };
        let lost = (bytes.len() - sent).div_ceil(segment.max(1));
        self.endpoint.count_drop(boot_us(), kind, lost as u64);
        if let Some(errno) = news {
            self.path_failed(route.socket, errno);
        }
        sent
    }

    /// A gateway's sockets belong to no path; their failures appear as silence.
    pub fn path_failed(&mut self, socket: SocketId, errno: i32) {
        if self.role == Role::Client {
            self.endpoint.path_error(boot_us(), socket, &errno_name(errno));
        }
    }
}
