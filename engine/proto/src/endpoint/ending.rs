//! How a session ends, and what is removed with it.

use std::net::IpAddr;

use super::containment::contained;
use super::side::Side;
use super::{Declined, Endpoint};
use crate::frames::Reason;
use crate::messages::SessionHandle;
use crate::session::Session;

impl Endpoint {
    pub(super) fn take_handle(&mut self) -> SessionHandle {
        let handle = self.next_handle;
        self.next_handle = self.config.shard.next_handle(handle);
        self.handles_wrapped |= self.next_handle < handle;
        while self.sessions.contains_key(&self.next_handle) {
            self.next_handle = self.config.shard.next_handle(self.next_handle);
        }
        handle
    }

    /// True if this handle was once assigned to a session or a dial.
    pub(super) fn was_given(&self, handle: SessionHandle) -> bool {
        let shard = self.config.shard;
        shard.owns(handle) && handle >= shard.first_handle() && (handle < self.next_handle || self.handles_wrapped)
    }

    /// Sends CLOSE on all live paths; it is sealed before the keys are dropped.
    pub(super) fn close(&mut self, now: u64, session: SessionHandle, reason: Reason) -> Result<(), Declined> {
        self.known(session)?;
        self.remove(now, session, Some(reason));
        Ok(())
    }

    /// The next address that a session has released; the I/O loop uses it to route packets to the right endpoint. At
    /// most two per session that ended since the last call.
    pub fn next_freed(&mut self) -> Option<(IpAddr, SessionHandle)> {
        self.side.gateway_mut()?.freed.pop()
    }

    /// Removes a session. With a reason, CLOSE is sent to the peer.
    pub(super) fn remove(&mut self, now: u64, handle: SessionHandle, reason: Option<Reason>) {
        let Some(mut session) = self.detach(handle) else { return };
        self.cx.rings.take_back(session.take_ring());
        let farewell = || {
            #[cfg(test)]
            session.stumble();
            session.farewell(reason)
        };
        match contained(farewell) {
            Ok(farewell) => {
                for (route, copy) in &farewell.copies {
                    self.push(now, *route, copy.clone());
                }
                self.closings.add(now, farewell);
            }
            Err(panic) => self.report_fault(now, handle, &panic),
        }
    }

    /// Takes a session out of every table; nothing of its own code runs.
    pub(super) fn detach(&mut self, handle: SessionHandle) -> Option<Box<Session>> {
        let session = self.sessions.remove(&handle)?;
        self.cx.hold.clear(handle);
        for index in session.indices() {
            self.cx.indices.release(index);
        }
        match &mut self.side {
            Side::Gateway(side) => {
                side.reception.settle(handle);
                for address in session.addresses() {
                    if side.inner.get(&address) == Some(&handle) {
                        side.inner.remove(&address);
                        side.free(self.config.shard, address, handle);
                    }
                }
            }
            Side::Client(side) => {
                if side.chosen == Some(handle) {
                    // A second dial failed while an older session was alive: the older session continues.
                    let active = self.sessions.values().filter(|session| session.is_active());
                    side.chosen = active.map(|session| session.handle).max();
                }
                side.answered_on = side.answered_on.filter(|(answered, ..)| *answered != handle);
            }
        }
        Some(session)
    }
}

#[cfg(test)]
mod tests {
    use crate::world::{CLIENT_INNER, World};

    #[test]
    fn a45_a_client_sends_from_its_own_inner_address_and_not_from_its_neighbours() {
        let mut world = World::ready(&[10], 10);
        let session = world.gateway_session.unwrap_or_default();
        let neighbour = std::net::Ipv4Addr::new(10, 80, 0, 9);
        if let Some(side) = world.gateway.side.gateway_mut() {
            side.inner.insert(neighbour.into(), session + 1);
        }
        assert!(world.gateway.source_allowed(session, CLIENT_INNER.into()));
        assert!(!world.gateway.source_allowed(session, neighbour.into()));
        assert!(!world.gateway.source_allowed(session, std::net::Ipv4Addr::new(10, 80, 0, 77).into()), "nobody's");
    }

    #[test]
    fn after_the_largest_handle_come_the_smallest_that_are_free() {
        let mut world = World::ready(&[10], 10);
        assert_eq!(world.gateway_session, Some(1));
        world.gateway.next_handle = u32::MAX - 1;
        let taken: Vec<u32> = (0..3).map(|_| world.gateway.take_handle()).collect();
        assert_eq!(taken, [u32::MAX - 1, u32::MAX, 2]);
    }
}
