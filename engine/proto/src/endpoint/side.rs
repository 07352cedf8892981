//! The parts of an endpoint that only one role has.

use std::collections::HashMap;
use std::net::IpAddr;

use super::client::dial::Dial;
use super::config::EndpointConfig;
use super::gateway::hints::Hints;
use super::gateway::reception::Reception;
use crate::crypto::rng::Rng;
use crate::messages::{PathId, Role, SessionHandle};
use crate::vocabulary::{Route, Shard};

#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "a process has a few endpoints")]
pub(super) enum Side {
    Client(ClientSide),
    Gateway(GatewaySide),
}

/// A socket of the client. It does not depend on a session.
#[derive(Debug, Default)]
pub(super) struct PathSocket {
    /// `None` until the I/O loop has opened it.
    pub(super) route: Option<Route>,
    pub(super) error: Option<(String, u64)>,
}

#[derive(Debug, Default)]
pub(super) struct ClientSide {
    pub(super) sockets: HashMap<PathId, PathSocket>,
    /// The greatest id of a path opened so far: ids rise and are used once.
    pub(super) newest_path: PathId,
    pub(super) dial: Option<Dial>,
    /// Path and round trip of the handshake, for a session that is not confirmed yet.
    pub(super) answered_on: Option<(SessionHandle, PathId, Option<u64>)>,
    /// The session that gets the inner packets.
    pub(super) chosen: Option<SessionHandle>,
}

#[derive(Debug)]
pub(super) struct GatewaySide {
    pub(super) reception: Reception,
    pub(super) hints: Hints,
    /// The session of each inner address.
    pub(super) inner: HashMap<IpAddr, SessionHandle>,
    pub(super) freed: Vec<(IpAddr, SessionHandle)>,
}

impl Side {
    pub(super) fn new(config: &EndpointConfig, rng: &mut Rng) -> Self {
        match config.role {
            Role::Client => Self::Client(ClientSide::default()),
            Role::Gateway => Self::Gateway(GatewaySide {
                reception: Reception::new(&config.identity.public(), config.limits.inits_per_s, config.shard, rng),
                hints: Hints::default(),
                inner: HashMap::new(),
                freed: Vec::new(),
            }),
        }
    }

    pub(super) fn client(&self) -> Option<&ClientSide> {
        if let Self::Client(side) = self { Some(side) } else { None }
    }

    pub(super) fn client_mut(&mut self) -> Option<&mut ClientSide> {
        if let Self::Client(side) = self { Some(side) } else { None }
    }

    pub(super) fn gateway_mut(&mut self) -> Option<&mut GatewaySide> {
        if let Self::Gateway(side) = self { Some(side) } else { None }
    }
}

impl GatewaySide {
    /// The address does not belong to this session (any more). With only one endpoint, nobody needs the list of freed
    /// addresses.
    pub(super) fn free(&mut self, shard: Shard, address: IpAddr, session: SessionHandle) {
        if shard != Shard::WHOLE {
            self.freed.push((address, session));
        }
    }
}
