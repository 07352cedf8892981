//! From the core to the workers: each command goes to the worker of its session, and inner addresses follow their sessions.
//!
//! ```text
//!              ┌─ AcceptSession: the address table of the TUN, and the session that had the address before
//!   core ─ put ┼─ commands of a session ──► mailbox of worker handle % workers
//!              └─ SetPeer, RemovePeer ────► all mailboxes
//! ```

use std::{
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jvpn_proto::messages::{Assignment, Command, SessionHandle};

use crate::{queue::Mailbox, steering::AddressTable, sys::Waker};

/// What a worker is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    Obey(Command),
    /// The address went over to a session of another worker.
    Disown {
        address: IpAddr,
        session: SessionHandle,
    },
}

#[derive(Debug)]
pub struct Dispatch {
    mailboxes: Vec<Mailbox>,
    /// Only where there are several workers. Locked while commands are given out, so that addresses change hands in the order of the
    /// commands, whichever workers obey them.
    addresses: Option<Mutex<AddressTable>>,
}

impl Dispatch {
    /// One worker for each waker.
    pub fn new(wakers: Vec<Waker>, addresses: Option<AddressTable>) -> Self {
        Self { mailboxes: wakers.into_iter().map(Mailbox::new).collect(), addresses: addresses.map(Mutex::new) }
    }

    pub fn mailbox(&self, worker: u8) -> &Mailbox {
        &self.mailboxes[usize::from(worker)]
    }

    pub fn wake_all(&self) {
        for mailbox in &self.mailboxes {
            mailbox.waker().wake();
        }
    }

    /// Hands commands to their workers, all or none. Each worker obeys its own in order.
    pub fn put(&self, commands: Vec<Command>) -> Result<(), String> {
        let Some(table) = &self.addresses else {
            return self.mailboxes[0].put(commands.into_iter().map(Order::Obey));
        };
        let table = lock(table);
        let accepted = commands.iter().filter(|command| matches!(command, Command::AcceptSession { .. })).count();
        for mailbox in &self.mailboxes {
            // Of an accepted session a worker gets the command, or two addresses to disown.
            mailbox.has_room(commands.len() + accepted)?;
        }
        for command in commands {
            match command.session() {
                Some(session) => {
                    if let Command::AcceptSession { assignment, .. } = &command {
                        self.hand_over(&table, assignment, session);
                    }
                    self.mailboxes[self.worker_of(session)].push(Order::Obey(command));
                }
                None => self.mailboxes.iter().for_each(|mailbox| mailbox.push(Order::Obey(command.clone()))),
            }
        }
        self.wake_all();
        Ok(())
    }

    /// Tells the session's worker, however much waits there.
    pub fn tell(&self, session: SessionHandle, order: Order) {
        let mailbox = &self.mailboxes[self.worker_of(session)];
        mailbox.push(order);
        mailbox.waker().wake();
    }

    /// Nobody has the address any more, unless another session took it meanwhile.
    pub fn release(&self, address: IpAddr, session: SessionHandle) {
        let Some(table) = &self.addresses else { return };
        let table = lock(table);
        if table.get(address) == Some(session) {
            table.remove(address);
        }
    }

    fn hand_over(&self, table: &AddressTable, assignment: &Assignment, session: SessionHandle) {
        let addresses = [assignment.v4.map(IpAddr::V4), assignment.v6.map(IpAddr::V6)];
        for address in addresses.into_iter().flatten() {
            // Within one worker the newer session takes the address by itself.
            if let Some(before) = table.get(address).filter(|before| self.worker_of(*before) != self.worker_of(session))
            {
                self.mailboxes[self.worker_of(before)].push(Order::Disown { address, session: before });
            }
            table.set(address, session);
        }
    }

    fn worker_of(&self, session: SessionHandle) -> usize {
        session as usize % self.mailboxes.len()
    }
}

/// A panic while the lock was held leaves a whole table behind: each change is one call of the kernel.
fn lock(table: &Mutex<AddressTable>) -> MutexGuard<'_, AddressTable> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::queue::COMMANDS_MAX;

    const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));

    #[test]
    fn an_address_goes_from_worker_to_worker_in_the_order_of_the_commands() {
        let Some(dispatch) = dispatch(2) else { return };
        for session in [4, 7, 9, 6] {
            dispatch.put(vec![accept(session)]).expect("room");
        }
        let disown = |session| Order::Disown { address: ADDRESS, session };
        assert_eq!(given(&dispatch, 0), [Order::Obey(accept(4)), disown(4), Order::Obey(accept(6))]);
        assert_eq!(given(&dispatch, 1), [Order::Obey(accept(7)), Order::Obey(accept(9)), disown(9)]);
        dispatch.release(ADDRESS, 4);
        assert_eq!(holder(&dispatch), Some(6), "4 lost it before");
        dispatch.release(ADDRESS, 6);
        assert_eq!(holder(&dispatch), None);
    }

    #[test]
    fn clients_are_known_to_every_worker_and_a_full_mailbox_refuses_the_whole_batch() {
        let Some(dispatch) = dispatch(2) else { return };
        let forget = || Command::RemovePeer { key: String::new() };
        let close = |session| Command::ForgetSession { session };
        dispatch.put(vec![forget(), close(3)]).expect("room");
        assert_eq!(given(&dispatch, 0), [Order::Obey(forget())]);
        assert_eq!(given(&dispatch, 1), [Order::Obey(forget()), Order::Obey(close(3))]);
        dispatch.put(vec![close(1); COMMANDS_MAX]).expect("room");
        assert!(dispatch.put(vec![close(2), close(1)]).is_err());
        assert!(given(&dispatch, 0).is_empty());
    }

    fn dispatch(workers: usize) -> Option<Dispatch> {
        let table =
            AddressTable::new().inspect_err(|error| eprintln!("skipped: no table in the kernel: {error}")).ok()?;
        let wakers = (0..workers).map(|_| Waker::new().expect("eventfd")).collect();
        Some(Dispatch::new(wakers, Some(table)))
    }

    fn given(dispatch: &Dispatch, worker: u8) -> Vec<Order> {
        std::iter::from_fn(|| dispatch.mailbox(worker).take()).collect()
    }

    fn holder(dispatch: &Dispatch) -> Option<SessionHandle> {
        lock(dispatch.addresses.as_ref()?).get(ADDRESS)
    }

    fn accept(session: SessionHandle) -> Command {
        let v4 = Some(Ipv4Addr::new(10, 0, 0, 2));
        let assignment = Assignment { v4, v4_prefix: 24, v6: None, v6_prefix: 64, dns: Vec::new(), mtu: 1_420 };
        Command::AcceptSession { session, assignment }
    }
}
