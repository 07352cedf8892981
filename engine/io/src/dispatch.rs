//! Hands the core's commands to the workers: each command goes to the worker of its session. The address table sends
//! packets to the same worker.
//!
//! ```text
//!              ┌─ AcceptSession: the address table of the TUN
//!   core ─ put ┼─ commands of a session ──► mailbox of worker handle % workers
//!              └─ SetPeer, RemovePeer … ──► all mailboxes
//! ```

use std::{
    iter,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jvpn_proto::messages::{Command, SessionHandle};

use crate::{queue::Mailbox, steering::AddressTable, sys::Waker};

#[derive(Debug)]
pub struct Dispatch {
    mailboxes: Vec<Mailbox>,
    /// Only with several workers.
    addresses: Option<Mutex<AddressTable>>,
}

impl Dispatch {
    /// Creates one mailbox for each waker.
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

    /// Hands commands to their workers, all or none; each worker executes its own in order. Returns how many addresses
    /// did not fit in the table.
    pub fn put(&self, commands: Vec<Command>) -> Result<u64, String> {
        let claims = if self.addresses.is_some() { claims(&commands) } else { Vec::new() };
        let shares = self.shares(commands);
        for (mailbox, share) in iter::zip(&self.mailboxes, &shares) {
            mailbox.has_room(share.len())?;
        }
        // Addresses are claimed in the order of the commands, whichever workers execute them. The core has already
        // ended the address's previous session, so that session loses nothing before the new worker executes its
        // command.
        let refused = claims.into_iter().filter(|(address, session)| !self.claim(*address, *session)).count();
        for (mailbox, share) in iter::zip(&self.mailboxes, shares) {
            mailbox.put(share);
        }
        Ok(refused as u64)
    }

    /// Adds one command for the session's worker, even if its mailbox is full.
    pub fn tell(&self, session: SessionHandle, command: Command) {
        self.mailboxes[self.worker_of(session)].put(vec![command]);
    }

    /// Frees the address, unless another session has taken it meanwhile.
    pub fn free(&self, address: IpAddr, session: SessionHandle) {
        if let Some(table) = self.table()
            && table.get(address) == Some(session)
        {
            table.remove(address);
        }
    }

    fn claim(&self, address: IpAddr, session: SessionHandle) -> bool {
        self.table().is_none_or(|table| table.set(address, session).is_ok())
    }

    fn shares(&self, commands: Vec<Command>) -> Vec<Vec<Command>> {
        if self.mailboxes.len() == 1 {
            return vec![commands];
        }
        let mut shares = vec![Vec::new(); self.mailboxes.len()];
        for command in commands {
            match command.session() {
                Some(session) => shares[self.worker_of(session)].push(command),
                None => shares.iter_mut().for_each(|share| share.push(command.clone())),
            }
        }
        shares
    }

    pub fn worker_of(&self, session: SessionHandle) -> usize {
        session as usize % self.mailboxes.len()
    }

    /// The lock is held for one or two system calls, and workers wait for it. After a panic the table is still
    /// consistent.
    fn table(&self) -> Option<MutexGuard<'_, AddressTable>> {
        self.addresses.as_ref().map(|table| table.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The addresses that sessions get, in the order of the commands.
fn claims(commands: &[Command]) -> Vec<(IpAddr, SessionHandle)> {
    let of = |command: &Command| match command {
        Command::AcceptSession { session, assignment } => {
            [assignment.v4.map(IpAddr::V4), assignment.v6.map(IpAddr::V6)].map(|address| Some((address?, *session)))
        }
        _ => [None, None],
    };
    commands.iter().flat_map(of).flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use jvpn_proto::messages::Assignment;

    use super::*;
    use crate::queue::COMMANDS_MAX;

    const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

    #[test]
    fn an_address_goes_from_session_to_session_in_the_order_of_the_commands() {
        let table = AddressTable::new().inspect_err(|error| eprintln!("skipped: no table in the kernel: {error}"));
        let Ok(table) = table else { return };
        let dispatch = Dispatch::new(wakers(2), Some(table));
        for session in [4, 7, 9] {
            assert_eq!(dispatch.put(vec![accept(session)]), Ok(0));
        }
        assert_eq!(dispatch.put(vec![accept(11), close(11), accept(6)]), Ok(0));
        assert_eq!(given(&dispatch, 0), [accept(4), accept(6)]);
        assert_eq!(given(&dispatch, 1), [accept(7), accept(9), accept(11), close(11)]);
        dispatch.free(ADDRESS.into(), 11);
        assert_eq!(holder(&dispatch), Some(6), "session 11 lost it before");
        dispatch.free(ADDRESS.into(), 6);
        assert_eq!(holder(&dispatch), None);
        assert_eq!(dispatch.put(vec![close(1); COMMANDS_MAX]), Ok(0));
        assert!(dispatch.put(vec![accept(8), close(1)]).is_err());
        assert_eq!(holder(&dispatch), None, "a refused batch changes nothing");
    }

    #[test]
    fn what_one_worker_asks_of_another_arrives_however_much_waits() {
        let dispatch = Dispatch::new(wakers(3), None);
        assert_eq!(dispatch.put(vec![close(5); COMMANDS_MAX]), Ok(0));
        dispatch.tell(8, close(8));
        assert_eq!(given(&dispatch, 2).last(), Some(&close(8)));
        assert!(given(&dispatch, 0).is_empty() && given(&dispatch, 1).is_empty());
    }

    #[test]
    fn clients_are_known_to_every_worker_and_a_full_mailbox_refuses_the_whole_batch() {
        let dispatch = Dispatch::new(wakers(2), None);
        let forget = || Command::RemovePeer { key: String::new(), reason: String::new() };
        assert_eq!(dispatch.put(vec![forget(), close(3)]), Ok(0));
        assert_eq!(given(&dispatch, 0), [forget()]);
        assert_eq!(given(&dispatch, 1), [forget(), close(3)]);
        assert_eq!(dispatch.put(vec![close(1); COMMANDS_MAX]), Ok(0));
        assert!(dispatch.put(vec![accept(2), close(1)]).is_err());
        assert!(given(&dispatch, 0).is_empty());
    }

    fn wakers(workers: usize) -> Vec<Waker> {
        (0..workers).map(|_| Waker::new().expect("eventfd")).collect()
    }

    fn given(dispatch: &Dispatch, worker: u8) -> Vec<Command> {
        iter::from_fn(|| dispatch.mailbox(worker).take()).collect()
    }

    fn holder(dispatch: &Dispatch) -> Option<SessionHandle> {
        dispatch.table()?.get(ADDRESS.into())
    }

    fn close(session: SessionHandle) -> Command {
        Command::ForgetSession { session }
    }

    fn accept(session: SessionHandle) -> Command {
        let (v4, dns) = (Some(ADDRESS), Vec::new());
        let assignment = Assignment { v4, v4_prefix: 24, v6: None, v6_prefix: 64, dns, mtu: 1_420 };
        Command::AcceptSession { session, assignment }
    }
}
