//! The packet loop: one thread handles each packet completely, TUN to socket and socket to TUN. Workers share only the
//! queue to the core: each has its own sessions, sockets and TUN queue.
//!
//! ```text
//!   wait ─► commands ─► sockets (drained first) ─► TUN ─► timers ─► control datagrams ─► handshakes ─► reports ─┐
//!     ▲                                                                                                         │
//!     └─────────────────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Handshakes get the time that data leaves, and a tenth of the time if it leaves none: nobody needs a key to send one.
//!
//! Each turn does bounded work per source. Timers are checked after the sockets are drained, so that a late turn does
//! not look like a silent peer. If the thread itself was delayed, the endpoint gets the length of the delay.

mod commands;
mod downlink;
mod outgoing;
mod refusal;
mod sockets;
mod uplink;

use std::{
    io,
    os::fd::AsRawFd,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use jvpn_proto::messages::{Command, Report, SessionHandle};

pub use self::{
    commands::Outer,
    sockets::{SOCKETS_MAX, SocketDefaults, Sockets},
};
use self::{downlink::Downlink, uplink::Uplink};
use crate::{
    dispatch::Dispatch,
    queue::{Mailbox, ReportQueue},
    sys::{WaitSet, be_punctual, boot_us, wait},
    tun::Tun,
    udp::MESSAGES_MAX,
};

/// Maximum commands in one turn.
const COMMANDS_PER_TURN: usize = 1_024;
/// The smallest liveness interval: a longer delay of this thread must not count as a peer's silence.
const STALL_US: u64 = 10_000;
/// If sockets are never empty, timers are checked at least this often.
const TIMERS_LATE_US: u64 = 5_000;
/// Maximum handshake messages in one turn: data waits for them, at worst for eight Diffie-Hellmans.
const HANDSHAKES_PER_TURN: usize = 8;
/// While there is data, handshakes get one of this many parts of the time.
const HANDSHAKES_SHARE: u64 = 10;
/// Time limit for sending what remains at the end.
const FAREWELL_US: u64 = 200_000;

/// Positions in the wait set.
const COMMANDS: usize = 0;
/// The TUN is read in every turn, ready or not.
const TUN: usize = 1;
const FIRST_SOCKET: usize = 2;

/// State that the workers share with each other and with the thread that started them.
#[derive(Debug)]
pub struct Shared {
    pub dispatch: Dispatch,
    pub reports: ReportQueue,
    pub stopping: AtomicBool,
}

#[derive(Debug)]
pub struct Worker {
    /// Its number among the workers.
    number: u8,
    outer: Outer,
    tun: Tun,
    uplink: Uplink,
    downlink: Downlink,
    shared: Arc<Shared>,
    /// When this thread last ran, and when timers were last checked.
    attended_at: u64,
    judged_at: u64,
    /// When handshakes have their share of the time again.
    greets_at: u64,
}

impl Worker {
    pub fn new(number: u8, outer: Outer, tun: Tun, shared: Arc<Shared>) -> Self {
        let downlink = Downlink::new(tun.write_offload());
        Self {
            number,
            outer,
            tun,
            uplink: Uplink::default(),
            downlink,
            shared,
            attended_at: boot_us(),
            judged_at: 0,
            greets_at: 0,
        }
    }

    /// Runs until the engine stops. An error is the reason why the worker cannot continue.
    pub fn run(mut self) -> Result<(), String> {
        be_punctual();
        let mut set = WaitSet::default();
        let mut busy = false;
        while !self.shared.stopping.load(Ordering::Acquire) {
            self.sleep(&mut set, busy)?;
            if set.is_ready(COMMANDS) {
                self.mailbox().waker().clear();
            }
            let commanded = self.take_commands();
            let undrained = self.receive(&set)?;
            let loaded = self.forward()?;
            self.judge_timers(undrained);
            let unsent = self.outer.transmit();
            let knocking = self.greet(&set, undrained | loaded)?;
            self.hand_over_reports()?;
            busy = commanded | undrained | loaded | unsent | knocking;
        }
        self.say_farewell()
    }

    /// Waits for work or the next deadline.
    fn sleep(&mut self, set: &mut WaitSet, busy: bool) -> Result<(), String> {
        set.clear();
        set.add(self.mailbox().waker().as_raw_fd());
        set.add(self.tun.as_raw_fd());
        for fd in self.outer.sockets.descriptors() {
            set.add(fd);
        }
        let now = self.attend(self.attended_at);
        let due = if busy { Some(now) } else { self.outer.endpoint.next_deadline().map(|due| due.max(now)) };
        wait(set, due.map(|due| due - now)).map_err(|error| format!("cannot wait for packets: {error}"))?;
        self.attend(due.unwrap_or(u64::MAX));
        Ok(())
    }

    /// Records that this thread runs. If it should have run since `expected`, the endpoint gets the length of the
    /// delay.
    fn attend(&mut self, expected: u64) -> u64 {
        let now = boot_us();
        let absent = now.saturating_sub(expected);
        if absent > STALL_US {
            self.outer.endpoint.stall(now, absent);
        }
        self.attended_at = now;
        now
    }

    /// `true` = more commands wait.
    fn take_commands(&mut self) -> bool {
        for _ in 0..COMMANDS_PER_TURN {
            let Some(command) = self.mailbox().take() else { return false };
            self.outer.obey(command);
        }
        true
    }

    fn mailbox(&self) -> &Mailbox {
        self.shared.dispatch.mailbox(self.number)
    }

    /// Receives one batch from each ready socket. `true` = one of them may have more.
    fn receive(&mut self, set: &WaitSet) -> Result<bool, String> {
        let mut more = false;
        for position in self.outer.sockets.for_data() {
            if set.is_ready(FIRST_SOCKET + position) {
                more |= self.receive_from(position, MESSAGES_MAX)?;
            }
        }
        Ok(more)
    }

    fn receive_from(&mut self, position: usize, most: usize) -> Result<bool, String> {
        let received = self.downlink.receive(position, most, &mut self.outer, &self.tun);
        received.map_err(|error| self.device_lost(&error))
    }

    /// Receives a few handshakes from each ready socket for them, and answers. In a turn with data (`more`: there is
    /// more of it), they wait until they have their share. `true` = there is more to do.
    fn greet(&mut self, set: &WaitSet, more: bool) -> Result<bool, String> {
        let ready = |position: &usize| set.is_ready(FIRST_SOCKET + position);
        let knocking: Vec<usize> = self.outer.sockets.for_handshakes().filter(ready).collect();
        if knocking.is_empty() {
            return Ok(false);
        }
        let began = boot_us();
        let data = more || set.is_ready(TUN) || self.outer.sockets.for_data().any(|position| ready(&position));
        if data && began < self.greets_at {
            return Ok(true);
        }
        let mut waiting = false;
        for position in knocking {
            waiting |= self.receive_from(position, HANDSHAKES_PER_TURN)?;
        }
        waiting |= self.outer.transmit();
        self.greets_at = began + HANDSHAKES_SHARE * (boot_us() - began);
        Ok(waiting)
    }

    /// Reads frames from the TUN. It does not wait for readiness: frames that are available now are sent in this turn.
    fn forward(&mut self) -> Result<bool, String> {
        self.uplink.forward(&mut self.outer, &self.tun).map_err(|error| self.device_lost(&error))
    }

    /// While sockets still hold packets, timers wait for a bounded time: an answer may be among these packets.
    fn judge_timers(&mut self, undrained: bool) {
        let now = self.attend(self.attended_at);
        let due = self.outer.endpoint.next_deadline().is_some_and(|deadline| deadline <= now);
        if due && (!undrained || now.saturating_sub(self.judged_at) >= TIMERS_LATE_US) {
            self.outer.endpoint.on_deadline(now);
            self.judged_at = now;
        }
    }

    fn hand_over_reports(&mut self) -> Result<(), String> {
        let mut reported = false;
        while let Some((at_us, report)) = self.outer.endpoint.report() {
            reported = true;
            if !self.shared.reports.push(at_us, report) {
                return Err("the core does not read the engine's reports".to_owned());
            }
        }
        while let Some((address, session)) = self.outer.endpoint.next_freed() {
            self.shared.dispatch.free(address, session);
        }
        if reported && let Some(session) = self.shared.reports.loudest() {
            self.silence(session);
        }
        let (_, lost) = self.outer.endpoint.reports_lost();
        if lost > 0 {
            return Err(format!("{lost} reports did not fit in the queue, and no report may be lost"));
        }
        Ok(())
    }

    /// Ends a session whose reports fill the queue to the core. The core sees it as ended by its peer. If another
    /// worker has the session, more reports may follow until that worker executes the command; the core ignores them.
    fn silence(&mut self, session: SessionHandle) {
        let reason = "report_flood".to_owned();
        let close = Command::CloseSession { session, reason: reason.clone() };
        if self.shared.dispatch.worker_of(session) == usize::from(self.number) {
            self.outer.obey(close);
        } else {
            self.shared.dispatch.tell(session, close);
        }
        // If even this report does not fit, the next one ends the engine.
        let _ = self.shared.reports.push(boot_us(), Report::PeerClosed { session, reason });
    }

    /// Executes the commands that came before the stop, and sends the resulting datagrams.
    fn say_farewell(&mut self) -> Result<(), String> {
        let until = boot_us() + FAREWELL_US;
        while (self.take_commands() | self.outer.transmit()) && boot_us() < until {}
        self.hand_over_reports()
    }

    fn device_lost(&self, error: &io::Error) -> String {
        format!("the TUN device {} is gone: {error}", self.tun.name())
    }
}
