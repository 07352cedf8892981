//! Executes commands of the core.

use super::{Declined, Endpoint};
use crate::crypto::keyfile::PublicKey;
use crate::frames::Reason;
use crate::messages::{Command, Role, SessionHandle};
use crate::session::Session;
use crate::shared::Shared;
use crate::wire::{CAP_PARTIAL_CHECKSUM, CAP_REDUNDANT, CAP_SWITCH_DENY};

impl Endpoint {
    pub(super) fn execute(&mut self, now: u64, command: Command) -> Result<(), Declined> {
        self.check_role(&command)?;
        match command {
            Command::SetPeer { peer } => self.set_peer(peer),
            Command::RemovePeer { key, reason } => self.remove_peer(&key, &reason),
            Command::SetStanding { key, session_id, ended } => self.set_standing(&key, &session_id, ended.as_deref()),
            Command::AcceptSession { session, assignment } => self.accept(now, session, assignment),
            Command::RefuseSession { session, reason } | Command::CloseSession { session, reason } => {
                self.close(now, session, reason_of(&reason)?)
            }
            Command::AnswerAttach { session, path, bind_seq, deny_reason, retry_after_ms } => {
                let denied = deny_reason.as_deref().map(reason_of).transpose()?.map(|reason| (reason, retry_after_ms));
                self.with(now, session, |session, cx| session.answer_attach(now, cx, (path, bind_seq), denied))
            }
            Command::ChallengeSession { session } => {
                self.order(now, session, |session, cx| session.challenge_all(now, cx))
            }
            Command::RequestSwitch { session, path, reason } => {
                let reason = reason_of(&reason)?;
                self.with(now, session, |session, cx| session.request_switch(now, cx, path, reason))
            }
            Command::DenySwitch { session, path, reason, retry_after_ms } => {
                let reason = reason_of(&reason)?;
                self.with(now, session, |session, cx| session.deny_switch(now, cx, path, (reason, retry_after_ms)))
            }
            Command::OpenPath { path, description, .. } => self.open_path(path, description),
            Command::ClosePath { path, reason } => self.close_path(now, path, &reason),
            Command::Dial { dial, gateway_key, paths, about } => {
                self.begin_dial(now, dial, &gateway_key, &paths, about)
            }
            Command::DialAlso { dial, path } => self.dial_also(now, dial, path),
            Command::AbortDial { dial } => {
                self.abort_dial(dial);
                Ok(())
            }
            Command::ConfirmSession { session } => self.confirm(now, session),
            Command::AddCandidate { session, path } => {
                let route = self.route_of(path)?;
                self.with(now, session, |session, cx| session.add_candidate(now, cx, path, route))
            }
            Command::Attach { session, path, bind_seq, kind, reason } => {
                self.attach(now, session, path, bind_seq, kind, &reason)
            }
            Command::AbortAttach { session, bind_seq, restore } => {
                self.order(now, session, |session, cx| session.abort_attach(now, cx, bind_seq, restore))
            }
            Command::SetPathDead { session, path, dead } => {
                self.order(now, session, |session, cx| session.set_path_dead(now, cx, path, dead))
            }
            Command::SetProbing { session, interval_ms } => {
                self.order(now, session, |session, cx| session.set_probing(now, cx, u64::from(interval_ms) * 1_000))
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
            | Command::SetStanding { .. }
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
            | Command::AbortAttach { .. }
            | Command::DenySwitch { .. } => Role::Client,
            Command::SetPathDead { .. }
            | Command::SetProbing { .. }
            | Command::CloseSession { .. }
            | Command::ForgetSession { .. } => return Ok(()),
        };
        if owner == self.config.role {
            Ok(())
        } else {
            Err(Declined::refused(format!("{} is a command for a {owner:?}", command.name())))
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

    pub(super) fn with<T>(
        &mut self,
        now: u64,
        session: SessionHandle,
        act: impl FnOnce(&mut Session, &mut Shared) -> Result<T, Declined>,
    ) -> Result<T, Declined> {
        self.known(session)?;
        self.enter(now, session, act).unwrap_or(Err(Declined::Late))
    }

    fn order(
        &mut self,
        now: u64,
        session: SessionHandle,
        act: impl FnOnce(&mut Session, &mut Shared),
    ) -> Result<(), Declined> {
        self.with(now, session, |session, cx| {
            act(session, cx);
            Ok(())
        })
    }

    /// Capabilities that this end supports.
    pub(super) fn capabilities(&self) -> u64 {
        CAP_PARTIAL_CHECKSUM | CAP_SWITCH_DENY | if self.config.allow_redundant { CAP_REDUNDANT } else { 0 }
    }
}

pub(super) fn key_of(text: &str) -> Result<PublicKey, Declined> {
    PublicKey::from_text(text).map_err(|why| Declined::refused(format!("{text:?} is not a public key: {why}")))
}

pub(super) fn reason_of(text: &str) -> Result<Reason, Declined> {
    let refused = || Declined::refused(format!("{text:?} is not a reason: at most 40 characters of a-z, 0-9 and _"));
    Reason::new(text).map_err(|_| refused())
}

pub(super) fn other_role() -> Declined {
    Declined::refused("the endpoint has the other role")
}
