//! Commands for a client.

use super::dial::{DIAL_PATHS_MAX, Dial};
use crate::endpoint::Endpoint;
use crate::endpoint::commands::{key_of, other_role, reason_of};
use crate::endpoint::side::PathSocket;
use crate::handshake::Initiator;
use crate::messages::{AttachKind, PathDescription, PathId, Report, SessionHandle};
use crate::path::PATHS_MAX;
use crate::shared::indices::Target;
use crate::vocabulary::{Declined, Route};
use crate::wire::{InitPayload, PQ_OFF, Suite, VERSION};

/// Maximum number of open sockets of a client.
const CLIENT_PATHS_MAX: usize = 64;

impl Endpoint {
    pub(in crate::endpoint) fn open_path(
        &mut self,
        path: PathId,
        description: PathDescription,
    ) -> Result<(), Declined> {
        if path == 0 {
            return Err(Declined::refused("path 0 cannot be opened: on the wire it means none"));
        }
        if description.interface.is_none() {
            return Err(Declined::refused(format!("path {path} not opened: the command names no interface")));
        }
        let side = self.side.client_mut().ok_or_else(other_role)?;
        if side.sockets.contains_key(&path) {
            return Err(Declined::refused(format!("path {path} already exists: a path id can be used only once")));
        }
        if side.sockets.len() >= CLIENT_PATHS_MAX {
            return Err(Declined::refused(format!(
                "path {path} not opened: the maximum of {CLIENT_PATHS_MAX} open paths is reached"
            )));
        }
        side.newest_path = side.newest_path.max(path);
        self.cx.described.insert(path, description);
        side.sockets.insert(path, PathSocket::default());
        Ok(())
    }

    pub(in crate::endpoint) fn close_path(&mut self, now: u64, path: PathId, reason: &str) -> Result<(), Declined> {
        let reason = reason_of(reason)?;
        let side = self.side.client_mut().ok_or_else(other_role)?;
        if side.sockets.remove(&path).is_none() {
            // Closed already, or never opened because `OpenPath` was refused.
            return Err(Declined::Late);
        }
        self.cx.described.remove(&path);
        if let Some(dial) = &mut side.dial {
            dial.remove(path);
        }
        let sessions: Vec<SessionHandle> = self.sessions.keys().copied().collect();
        for session in sessions {
            self.enter(now, session, |session, cx| session.close_path(now, cx, path, reason));
        }
        Ok(())
    }

    pub(in crate::endpoint) fn route_of(&self, path: PathId) -> Result<Route, Declined> {
        let side = self.side.client().ok_or_else(other_role)?;
        match side.sockets.get(&path) {
            Some(link) => link.route.ok_or_else(|| Declined::refused(format!("path {path} is not open yet"))),
            None if path <= side.newest_path => Err(Declined::Late),
            None => Err(Declined::refused(format!("path {path} does not exist"))),
        }
    }

    pub(in crate::endpoint) fn begin_dial(
        &mut self,
        now: u64,
        id: u32,
        gateway_key: &str,
        paths: &[PathId],
        about: Option<SessionHandle>,
    ) -> Result<(), Declined> {
        if let Some(running) = &self.side.client().ok_or_else(other_role)?.dial {
            return Err(Declined::refused(format!("dial {id} not begun: dial {} is running", running.id)));
        }
        if paths.is_empty() || paths.len() > DIAL_PATHS_MAX {
            let why = format!("dial {id} not begun: it needs 1 to {DIAL_PATHS_MAX} paths and has {}", paths.len());
            return Err(Declined::refused(why));
        }
        for path in paths {
            let closed = || format!("dial {id} not begun: path {path} is closed");
            self.route_of(*path).map_err(|declined| declined.answered(closed))?;
        }
        let gateway = key_of(gateway_key)?;
        let session = self.take_handle();
        let index = self.cx.indices.assign(&mut self.cx.rng, Target { session, path: None });
        let about = about.and_then(|handle| self.sessions.get(&handle)).map_or([0; 16], |session| session.id.0);
        let offered = InitPayload { about, ..self.offered() };
        let Self { config, cx, .. } = self;
        let made = Initiator::new(&config.identity, &gateway, index, &offered, &mut |out| cx.rng.fill(out));
        let (initiator, init) = made.map_err(|why| {
            cx.indices.release(index);
            Declined::refused(format!("dial {id} not begun: a handshake with {gateway_key} is not possible: {why}"))
        })?;
        let mut dial = Dial::new(id, session, initiator, init, now);
        for path in paths {
            dial.add(now, *path);
        }
        self.side.client_mut().ok_or_else(other_role)?.dial = Some(dial);
        self.dial_on_time(now);
        Ok(())
    }

    fn offered(&self) -> InitPayload {
        let aes = if self.config.allow_aes { Suite::Aes256Gcm.bit() } else { 0 };
        InitPayload {
            proto_min: VERSION,
            proto_max: VERSION,
            suites: Suite::ChaCha20Poly1305.bit() | aes,
            pq_modes: PQ_OFF,
            max_paths: PATHS_MAX as u8,
            policy_digest: [0; 16],
            capabilities: self.capabilities(),
            about: [0; 16],
        }
    }

    pub(in crate::endpoint) fn dial_also(&mut self, now: u64, id: u32, path: PathId) -> Result<(), Declined> {
        self.route_of(path)?;
        let side = self.side.client_mut().ok_or_else(other_role)?;
        let Some(dial) = side.dial.as_mut().filter(|dial| dial.id == id) else { return Err(Declined::Late) };
        if !dial.add(now, path) {
            return Err(Declined::refused(format!(
                "path {path} not added to dial {id}: it is already there, or the maximum of {DIAL_PATHS_MAX} is reached"
            )));
        }
        self.dial_on_time(now);
        Ok(())
    }

    pub(in crate::endpoint) fn abort_dial(&mut self, id: u32) {
        let dial = self.side.client_mut().and_then(|side| side.dial.take_if(|dial| dial.id == id));
        if let Some(dial) = dial {
            self.cx.indices.release(dial.index());
        }
    }

    /// Sends the INITs that are due; ends a dial that was not answered in time.
    pub(in crate::endpoint) fn dial_on_time(&mut self, now: u64) {
        let Some(dial) = self.side.client_mut().and_then(|side| side.dial.as_mut()) else { return };
        if dial.gave_up(now) {
            let id = dial.id;
            self.abort_dial(id);
            return self.cx.report(now, Report::HandshakeUnanswered { dial: id });
        }
        for (path, init) in dial.due(now, &mut self.cx.rng) {
            if let Ok(route) = self.route_of(path) {
                self.push(now, route, init.to_vec());
            }
        }
    }

    pub(in crate::endpoint) fn confirm(&mut self, now: u64, session: SessionHandle) -> Result<(), Declined> {
        self.known(session)?;
        let answered_on = self.side.client().ok_or_else(other_role)?.answered_on;
        // The answer to a newer dial took its place.
        let (_, path, rtt_us) = answered_on.filter(|(answered, ..)| *answered == session).ok_or(Declined::Late)?;
        let route = self.route_of(path)?;
        self.with(now, session, |session, cx| session.confirm(now, cx, path, route, rtt_us))?;
        self.side.client_mut().ok_or_else(other_role)?.chosen = Some(session);
        Ok(())
    }

    pub(in crate::endpoint) fn attach(
        &mut self,
        now: u64,
        session: SessionHandle,
        path: PathId,
        bind_seq: u64,
        kind: AttachKind,
        reason: &str,
    ) -> Result<(), Declined> {
        let reason = reason_of(reason)?;
        let route = self.route_of(path)?;
        self.with(now, session, |session, cx| session.attach(now, cx, (path, route), bind_seq, kind, reason))
    }
}
