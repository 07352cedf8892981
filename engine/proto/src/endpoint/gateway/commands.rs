//! Commands for a gateway.

use std::net::IpAddr;

use super::reception::PEERS_MAX;
use crate::endpoint::Endpoint;
use crate::endpoint::commands::{key_of, other_role, reason_of};
use crate::messages::{Assignment, Peer, SessionHandle};
use crate::vocabulary::{Declined, SessionId};

impl Endpoint {
    pub(in crate::endpoint) fn set_peer(&mut self, Peer { key, offer }: Peer) -> Result<(), Declined> {
        if offer.policy_digest.len() != 16 || !offer.policy_digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Declined::refused(format!(
                "peer {key} not set: its policy digest is not 16 hexadecimal digits"
            )));
        }
        let key = key_of(&key)?;
        if self.side.gateway_mut().ok_or_else(other_role)?.reception.set_peer(&key, offer) {
            Ok(())
        } else {
            Err(Declined::refused(format!("peer not set: the maximum of {PEERS_MAX} peers is reached")))
        }
    }

    pub(in crate::endpoint) fn remove_peer(&mut self, key: &str, reason: &str) -> Result<(), Declined> {
        let (key, reason) = (key_of(key)?, reason_of(reason)?);
        self.side.gateway_mut().ok_or_else(other_role)?.reception.remove_peer(&key, reason);
        Ok(())
    }

    pub(in crate::endpoint) fn set_standing(
        &mut self,
        key: &str,
        session: &str,
        ended: Option<&str>,
    ) -> Result<(), Declined> {
        let (key, ended) = (key_of(key)?, ended.map(reason_of).transpose()?);
        let not_an_id = || Declined::refused(format!("{session:?} is not the id of a session"));
        let session = SessionId::from_text(session).ok_or_else(not_an_id)?;
        let noted = self.side.gateway_mut().ok_or_else(other_role)?.reception.note(&key, session, ended);
        // The client was removed while its session ended.
        if noted { Ok(()) } else { Err(Declined::Late) }
    }

    pub(in crate::endpoint) fn accept(
        &mut self,
        now: u64,
        session: SessionHandle,
        assignment: Assignment,
    ) -> Result<(), Declined> {
        let addresses = [assignment.v4.map(IpAddr::V4), assignment.v6.map(IpAddr::V6)].into_iter().flatten();
        let accepted = self.with(now, session, |session, cx| session.accept(now, cx, assignment));
        let side = self.side.gateway_mut().ok_or_else(other_role)?;
        for address in addresses {
            if accepted.is_ok() {
                // If another session of the client still has this address, the newest session takes it over.
                side.inner.insert(address, session);
            } else if side.inner.get(&address) != Some(&session) {
                side.free(self.config.shard, address, session);
            }
        }
        accepted
    }
}
