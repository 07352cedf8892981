//! Commands of the core.

use std::net::IpAddr;

use super::{CLIENT_PATHS_MAX, Declined, Endpoint, Link, Route};
use crate::crypto::keyfile::PublicKey;
use crate::endpoint::client::dial::{DIAL_PATHS_MAX, Dial};
use crate::endpoint::gateway::reception::PEERS_MAX;
use crate::frames::Reason;
use crate::handshake::Initiator;
use crate::messages::{Assignment, AttachKind, Command, PathDescription, PathId, Peer, Report, Role, SessionHandle};
use crate::path::PATHS_MAX;
use crate::session::Session;
use crate::shared::Shared;
use crate::shared::indices::Target;
use crate::wire::{CAP_PARTIAL_CHECKSUM, CAP_REDUNDANT, InitPayload, PQ_OFF, Suite, VERSION};

impl Endpoint {
    pub(super) fn execute(&mut self, now: u64, command: Command) -> Result<(), Declined> {
        self.check_role(&command)?;
        match command {
            Command::SetPeer { peer } => self.set_peer(peer),
            Command::RemovePeer { key } => {
                self.reception.remove_peer(&key_of(&key)?);
                Ok(())
            }
            Command::AcceptSession { session, assignment } => self.accept(now, session, assignment),
            Command::RefuseSession { session, reason } | Command::CloseSession { session, reason } => {
                self.close(now, session, reason_of(&reason)?)
            }
            Command::AnswerAttach { session, path, bind_seq, deny_reason, retry_after_ms } => {
                let denied = deny_reason.as_deref().map(reason_of).transpose()?.map(|reason| (reason, retry_after_ms));
                self.with(session, |session, cx| session.answer_attach(now, cx, (path, bind_seq), denied))
            }
            Command::ChallengeSession { session } => self.order(session, |session, cx| session.challenge_all(now, cx)),
            Command::RequestSwitch { session, path, reason } => {
                let reason = reason_of(&reason)?;
                self.with(session, |session, cx| session.request_switch(now, cx, path, reason))
            }
            Command::OpenPath { path, description, .. } => self.open_path(path, description),
            Command::ClosePath { path, reason } => self.close_path(now, path, &reason),
            Command::Dial { dial, gateway_key, paths } => self.begin_dial(now, dial, &gateway_key, &paths),
            Command::DialAlso { dial, path } => self.dial_also(now, dial, path),
            Command::AbortDial { dial } => {
                self.abort_dial(dial);
                Ok(())
            }
            Command::ConfirmSession { session } => self.confirm(now, session),
            Command::AddCandidate { session, path } => {
                let route = self.route_of(path)?;
                self.with(session, |session, cx| session.add_candidate(now, cx, path, route))
            }
            Command::Attach { session, path, bind_seq, kind, reason } => {
                self.attach(now, session, path, bind_seq, kind, &reason)
            }
            Command::AbortAttach { session, bind_seq, restore } => {
                self.order(session, |session, cx| session.abort_attach(now, cx, bind_seq, restore))
            }
            Command::SetPathDead { session, path, dead } => {
                self.order(session, |session, cx| session.set_path_dead(now, cx, path, dead))
            }
            Command::SetProbing { session, interval_ms } => {
                self.order(session, |session, cx| session.set_probing(now, cx, u64::from(interval_ms) * 1_000))
            }
            Command::ForgetSession { session } => {
                self.known(session)?;
                self.remove(now, session, None);
                Ok(())
            }
        }
    }

    fn check_role(&self, command: &Command) -> Result<(), Declined> {
        let owner = match command {
            Command::SetPeer { .. }
            | Command::RemovePeer { .. }
            | Command::AcceptSession { .. }
            | Command::RefuseSession { .. }
            | Command::AnswerAttach { .. }
            | Command::ChallengeSession { .. }
            | Command::RequestSwitch { .. } => Role::Gateway,
            Command::OpenPath { .. }
            | Command::ClosePath { .. }
            | Command::Dial { .. }
            | Command::DialAlso { .. }
            | Command::AbortDial { .. }
            | Command::ConfirmSession { .. }
            | Command::AddCandidate { .. }
            | Command::Attach { .. }
            | Command::AbortAttach { .. } => Role::Client,
            Command::SetPathDead { .. }
            | Command::SetProbing { .. }
            | Command::CloseSession { .. }
            | Command::ForgetSession { .. } => return Ok(()),
        };
        if owner == self.config.role {
            Ok(())
        } else {
            Err(Declined::refused(format!("{} is for a {owner:?}", command.name())))
        }
    }

    pub(super) fn known(&self, session: SessionHandle) -> Result<(), Declined> {
        if self.sessions.contains_key(&session) {
            Ok(())
        } else if self.was_given(session) {
            Err(Declined::Late)
        } else {
            Err(Declined::refused(format!("session {session} does not exist")))
        }
    }

    fn with<T>(
        &mut self,
        session: SessionHandle,
        act: impl FnOnce(&mut Session, &mut Shared) -> Result<T, Declined>,
    ) -> Result<T, Declined> {
        self.known(session)?;
        let session = self.sessions.get_mut(&session).ok_or(Declined::Late)?;
        act(session, &mut self.cx)
    }

    fn order(&mut self, session: SessionHandle, act: impl FnOnce(&mut Session, &mut Shared)) -> Result<(), Declined> {
        self.with(session, |session, cx| {
            act(session, cx);
            Ok(())
        })
    }

    // ---- gateway ---------------------------------------------------------------------------------------------------------

    fn set_peer(&mut self, Peer { key, offer }: Peer) -> Result<(), Declined> {
        if offer.policy_digest.len() != 16 || !offer.policy_digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Declined::refused(format!(
                "peer {key} not set: its policy digest is not 16 hexadecimal digits"
            )));
        }
        let key = key_of(&key)?;
        if self.reception.set_peer(&key, offer) {
            Ok(())
        } else {
            Err(Declined::refused(format!("peer not set: {PEERS_MAX} are known, the most")))
        }
    }

    fn accept(&mut self, now: u64, session: SessionHandle, assignment: Assignment) -> Result<(), Declined> {
        let addresses = [assignment.v4.map(IpAddr::V4), assignment.v6.map(IpAddr::V6)].into_iter().flatten();
        let accepted = self.with(session, |session, cx| session.accept(now, cx, assignment));
        for address in addresses {
            if accepted.is_ok() {
                // An address that another session of the client still holds goes over: the newest session owns it.
                self.inner.insert(address, session);
            } else if self.inner.get(&address) != Some(&session) {
                self.free(address, session);
            }
        }
        accepted
    }

    // ---- client ----------------------------------------------------------------------------------------------------------

    fn open_path(&mut self, path: PathId, description: PathDescription) -> Result<(), Declined> {
        if path == 0 {
            return Err(Declined::refused("path 0 cannot be opened: on the wire it means none"));
        }
        if description.interface.is_none() {
            return Err(Declined::refused(format!("path {path} not opened: its interface is not named")));
        }
        if self.links.contains_key(&path) {
            return Err(Declined::refused(format!("path {path} exists already: its id is used once")));
        }
        if self.links.len() >= CLIENT_PATHS_MAX {
            return Err(Declined::refused(format!("path {path} not opened: {CLIENT_PATHS_MAX} are open, the most")));
        }
        self.newest_path = self.newest_path.max(path);
        self.cx.described.insert(path, description);
        self.links.insert(path, Link { route: None, error: None });
        Ok(())
    }

    fn close_path(&mut self, now: u64, path: PathId, reason: &str) -> Result<(), Declined> {
        let reason = reason_of(reason)?;
        if self.links.remove(&path).is_none() {
            // Closed before, or never opened because that was refused.
            return Err(Declined::Late);
        }
        self.cx.described.remove(&path);
        if let Some(dial) = &mut self.dial {
            dial.remove(path);
        }
        for session in self.sessions.values_mut() {
            session.close_path(now, &mut self.cx, path, reason);
        }
        Ok(())
    }

    fn route_of(&self, path: PathId) -> Result<Route, Declined> {
        match self.links.get(&path) {
            Some(link) => link.route.ok_or_else(|| Declined::refused(format!("path {path} is not open yet"))),
            None if path <= self.newest_path => Err(Declined::Late),
            None => Err(Declined::refused(format!("path {path} does not exist"))),
        }
    }

    fn begin_dial(&mut self, now: u64, id: u32, gateway_key: &str, paths: &[PathId]) -> Result<(), Declined> {
        if let Some(running) = &self.dial {
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
        let offered = self.offered();
        let Self { config, cx, .. } = self;
        let made = Initiator::new(&config.identity, &gateway, index, &offered, &mut |out| cx.rng.fill(out));
        let (initiator, init) = made.map_err(|why| {
            cx.indices.release(index);
            Declined::refused(format!("dial {id} not begun: no handshake with {gateway_key} is possible: {why}"))
        })?;
        let mut dial = Dial::new(id, session, initiator, init, now);
        for path in paths {
            dial.add(now, *path);
        }
        self.dial = Some(dial);
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
        }
    }

    /// What this end can do.
    pub(super) fn capabilities(&self) -> u64 {
        CAP_PARTIAL_CHECKSUM | if self.config.allow_redundant { CAP_REDUNDANT } else { 0 }
    }

    fn dial_also(&mut self, now: u64, id: u32, path: PathId) -> Result<(), Declined> {
        self.route_of(path)?;
        let Some(dial) = self.dial.as_mut().filter(|dial| dial.id == id) else { return Err(Declined::Late) };
        if !dial.add(now, path) {
            return Err(Declined::refused(format!(
                "path {path} not added to dial {id}: it is there already, or {DIAL_PATHS_MAX} are, the most"
            )));
        }
        self.dial_on_time(now);
        Ok(())
    }

    fn abort_dial(&mut self, id: u32) {
        if let Some(dial) = self.dial.take_if(|dial| dial.id == id) {
            self.cx.indices.release(dial.index());
        }
    }

    /// Sends the INITs that are due; ends a dial that nobody answers.
    pub(super) fn dial_on_time(&mut self, now: u64) {
        let Some(dial) = &mut self.dial else { return };
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

    fn confirm(&mut self, now: u64, session: SessionHandle) -> Result<(), Declined> {
        self.known(session)?;
        let Some((_, path, rtt_us)) = self.answered_on.filter(|(answered, ..)| *answered == session) else {
            return Err(Declined::refused(format!("session {session} was confirmed already")));
        };
        let route = self.route_of(path)?;
        self.with(session, |session, cx| session.confirm(now, cx, path, route, rtt_us))?;
        self.answered_on = None;
        self.chosen = Some(session);
        Ok(())
    }

    fn attach(
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
        self.with(session, |session, cx| session.attach(now, cx, (path, route), bind_seq, kind, reason))
    }
}

fn key_of(text: &str) -> Result<PublicKey, Declined> {
    PublicKey::from_text(text).map_err(|why| Declined::refused(format!("{text:?} is not a public key: {why}")))
}

fn reason_of(text: &str) -> Result<Reason, Declined> {
    let refused = || Declined::refused(format!("{text:?} is not a reason: at most 40 characters of a-z, 0-9 and _"));
    Reason::new(text).map_err(|_| refused())
}
