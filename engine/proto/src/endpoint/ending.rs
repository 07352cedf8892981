//! How a session ends, and what goes with it.

use std::net::IpAddr;

use super::{Endpoint, Shard};
use crate::frames::Reason;
use crate::messages::SessionHandle;

impl Endpoint {
    pub(super) fn take_handle(&mut self) -> SessionHandle {
        let handle = self.next_handle;
        self.next_handle += SessionHandle::from(self.config.shard.of);
        handle
    }

    /// CLOSE on all live paths, sealed before the keys are dropped.
    pub(super) fn close(&mut self, now: u64, session: SessionHandle, reason: Reason) -> Result<(), String> {
        if !self.sessions.contains_key(&session) {
            return Err(format!("session {session} does not exist (any more)"));
        }
        self.remove(now, session, Some(reason));
        Ok(())
    }

    /// The address is not the session's any more: a newer session has it, perhaps one of another endpoint.
    pub fn disown(&mut self, address: IpAddr, session: SessionHandle) {
        if self.inner.get(&address) == Some(&session) {
            self.inner.remove(&address);
            self.has_lost(address, session);
        }
    }

    /// Other endpoints have to know.
    pub(super) fn has_lost(&mut self, address: IpAddr, session: SessionHandle) {
        if self.config.shard != Shard::WHOLE {
            self.disowned.push((address, session));
        }
    }

    /// The next address that does not belong to its session, or no more. None where there are no other endpoints.
    pub fn next_disowned(&mut self) -> Option<(IpAddr, SessionHandle)> {
        self.disowned.pop()
    }

    /// Takes a session out of every table. With a reason the peer is told.
    pub(super) fn remove(&mut self, now: u64, handle: SessionHandle, reason: Option<Reason>) {
        let Some(session) = self.sessions.remove(&handle) else { return };
        self.reception.settle(handle);
        self.cx.hold.end(handle);
        for address in session.addresses.into_iter().flatten() {
            self.disown(address, handle);
        }
        if self.chosen == Some(handle) {
            // A dial beside a living session that came to nothing: the older one goes on.
            self.chosen =
                self.sessions.values().filter(|session| session.is_active()).map(|session| session.handle).max();
        }
        self.answered_on = self.answered_on.filter(|(answered, ..)| *answered != handle);
        let farewell = session.farewell(&mut self.cx, reason);
        for (route, copy) in &farewell.copies {
            self.push(now, *route, copy.clone());
        }
        self.closings.add(now, farewell);
    }
}
