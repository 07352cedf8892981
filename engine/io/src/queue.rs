//! The two bounded queues between the engine's threads and the deciding core.
//!
//! ```text
//!   core ── apply ──► Mailbox ── take ──► worker            one mailbox for each worker
//!   core ◄── drain ── ReportQueue ◄── push ── worker, link watch
//!              ▲ one wake, and no second one before the core drains
//! ```

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jvpn_proto::messages::{Command, Report, ReportBatch, SessionHandle, Timed};

use crate::sys::Waker;

/// Maximum commands waiting for a worker: twice what a gateway sends when it starts with half of its clients.
pub const COMMANDS_MAX: usize = 65_536;
/// Maximum reports waiting for the core: four for each session of a full gateway, because all sessions may move at
/// once.
pub const REPORTS_MAX: usize = 524_288;
/// At this number of unread events, and again after each further step, the queue looks for the session with the most
/// events: it has more than its share.
const CROWDED: usize = REPORTS_MAX / 2;
const CROWDED_STEP: usize = 16_384;
/// Capacity that an empty queue keeps; any larger capacity is freed.
const KEPT: usize = 4_096;
const SHARE_MAX: usize = 1_024;
/// Maximum reports in one batch, so that the core's event loop can run other work between batches.
pub const BATCH_MAX: usize = 1_024;

/// Commands on their way to one worker. A caller checks for room before it puts a batch: a half-applied batch would be
/// worse than none.
#[derive(Debug)]
pub struct Mailbox {
    commands: Mutex<VecDeque<Command>>,
    waker: Waker,
}

impl Mailbox {
    pub fn new(waker: Waker) -> Self {
        Self { commands: Mutex::default(), waker }
    }

    pub fn has_room(&self, more: usize) -> Result<(), String> {
        let waiting = lock(&self.commands).len();
        if waiting + more <= COMMANDS_MAX {
            return Ok(());
        }
        Err(format!(
            "{waiting} commands wait for the engine and {more} more exceed the limit {COMMANDS_MAX}; send fewer at once"
        ))
    }

    /// Wakes the worker, unless commands already wait for it: then it is awake.
    pub fn put(&self, batch: Vec<Command>) {
        if batch.is_empty() {
            return;
        }
        let mut commands = lock(&self.commands);
        let idle = commands.is_empty();
        commands.extend(batch);
        drop(commands);
        if idle {
            self.waker.wake();
        }
    }

    pub fn take(&self) -> Option<Command> {
        lock(&self.commands).pop_front()
    }

    pub fn waker(&self) -> &Waker {
        &self.waker
    }
}

/// Reports on their way to the core, in the order in which they were made.
pub struct ReportQueue {
    inner: Mutex<Pending>,
    notify: Box<dyn Fn() + Send + Sync>,
}

#[derive(Debug, Default)]
struct Pending {
    /// Reports that must not be lost, each with its position in the common order.
    events: VecDeque<(u64, Timed)>,
    /// Snapshots. An overflow drops the oldest; the next snapshot replaces it.
    stats: VecDeque<(u64, Timed)>,
    next_place: u64,
    lost: u64,
    /// Sessions already returned by `loudest` since the queue was last half full.
    named: Vec<SessionHandle>,
    look_at: usize,
    /// The core was woken and has not drained since then.
    woken: bool,
    /// No more reports are accepted: the last one is `Fatal`.
    closed: bool,
}

impl ReportQueue {
    pub fn new(notify: impl Fn() + Send + Sync + 'static) -> Self {
        Self { inner: Mutex::default(), notify: Box::new(notify) }
    }

    /// Appends a report. When the queue is full, the oldest snapshot is dropped. If there is none, the core has stopped
    /// reading: `Fatal` is queued as the last report, and this and all later calls return `false`.
    #[must_use]
    pub fn push(&self, at_us: u64, report: Report) -> bool {
        let mut pending = lock(&self.inner);
        if pending.closed {
            return false;
        }
        if pending.len() >= REPORTS_MAX {
            pending.lost += 1;
            if pending.stats.pop_front().is_none() {
                let what = format!("the core left {REPORTS_MAX} reports unread, and none of them may be lost");
                pending.close(at_us, what);
                self.wake(pending);
                return false;
            }
        }
        pending.append(at_us, report);
        self.wake(pending);
        true
    }

    /// Queues `Fatal` as the last report, even beyond the limit. The first reason is kept.
    pub fn fatal(&self, at_us: u64, what: String) {
        let mut pending = lock(&self.inner);
        if !pending.closed {
            pending.close(at_us, what);
            self.wake(pending);
        }
    }

    /// The session whose peer causes most of the unread reports, if the queue is at least half full and these are more
    /// than a session's share. Ending it saves all other sessions. Each session is returned once.
    pub fn loudest(&self) -> Option<SessionHandle> {
        lock(&self.inner).loudest()
    }

    pub fn is_closed(&self) -> bool {
        lock(&self.inner).closed
    }

    /// Takes at most `max` reports (1 … 1,024) and allows the next wake.
    pub fn drain(&self, max: usize) -> ReportBatch {
        let mut pending = lock(&self.inner);
        let count = pending.len().min(max.clamp(1, BATCH_MAX));
        let reports = (0..count).filter_map(|_| pending.pop()).collect();
        if pending.events.is_empty() {
            pending.events.shrink_to(KEPT);
        }
        pending.woken = false;
        ReportBatch { reports, lost: std::mem::take(&mut pending.lost), waiting: pending.len() as u32 }
    }

    /// Wakes the core unless it is already woken. The lock is released first, because the core may drain at once.
    fn wake(&self, mut pending: MutexGuard<'_, Pending>) {
        let first = !std::mem::replace(&mut pending.woken, true);
        drop(pending);
        if first {
            (self.notify)();
        }
    }
}

impl fmt::Debug for ReportQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReportQueue").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl Pending {
    fn len(&self) -> usize {
        self.events.len() + self.stats.len()
    }

    fn append(&mut self, at_us: u64, report: Report) {
        let queue = if matches!(report, Report::Stats { .. }) { &mut self.stats } else { &mut self.events };
        queue.push_back((self.next_place, Timed { at_us, report }));
        self.next_place += 1;
    }

    fn loudest(&mut self) -> Option<SessionHandle> {
        if self.events.len() < CROWDED {
            self.named.clear();
            self.look_at = CROWDED;
            return None;
        }
        if self.events.len() < self.look_at {
            return None;
        }
        self.look_at = self.events.len() + CROWDED_STEP;
        let mut unread: HashMap<SessionHandle, usize> = HashMap::new();
        for session in self.events.iter().filter_map(|(_, timed)| caused_by(&timed.report)) {
            *unread.entry(session).or_default() += 1;
        }
        unread.retain(|session, count| *count > SHARE_MAX && !self.named.contains(session));
        let (session, _) = unread.into_iter().max_by_key(|(_, count)| *count)?;
        self.named.push(session);
        Some(session)
    }

    fn close(&mut self, at_us: u64, what: String) {
        self.append(at_us, Report::Fatal { what });
        self.closed = true;
    }

    fn pop(&mut self) -> Option<Timed> {
        let event = self.events.front().map_or(u64::MAX, |(place, _)| *place);
        let snapshot = self.stats.front().map_or(u64::MAX, |(place, _)| *place);
        let queue = if snapshot < event { &mut self.stats } else { &mut self.events };
        queue.pop_front().map(|(_, timed)| timed)
    }
}

/// The session whose peer can cause such reports without limit, except for the engine's own limits.
const fn caused_by(report: &Report) -> Option<SessionHandle> {
    match report {
        Report::AttachRequested { session, .. }
        | Report::ActivationsDenied { session, .. }
        | Report::ValidationFailed { session, .. }
        | Report::RekeyDenied { session, .. }
        | Report::KeyRotated { session, .. }
        | Report::PathValidated { session, .. }
        | Report::PathClosed { session, .. }
        | Report::PathAlive { session, .. }
        | Report::PathSuspected { session, .. }
        | Report::PathCleared { session, .. }
        | Report::PathRebound { session, .. } => Some(*session),
        _ => None,
    }
}

/// After a panic under the lock all entries are still whole, because each change is one push or one pop.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use std::os::fd::AsRawFd;

    use super::*;
    use crate::sys::{WaitSet, wait};

    #[test]
    fn the_core_is_woken_once_until_it_drains() {
        let wakes = Arc::new(AtomicU32::new(0));
        let counter = wakes.clone();
        let queue = ReportQueue::new(move || {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        assert!(queue.push(1, event(1)) && queue.push(2, event(2)));
        assert_eq!(wakes.load(Ordering::Relaxed), 1);
        assert_eq!(queue.drain(1).reports.len(), 1);
        assert!(queue.push(3, event(3)));
        assert_eq!(wakes.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_batch_is_bounded_and_says_that_more_waits() {
        let queue = ReportQueue::new(|| {});
        for at in 0..1_500 {
            assert!(queue.push(at, event(1)));
        }
        let first = queue.drain(usize::MAX);
        assert_eq!((first.reports.len(), first.waiting), (BATCH_MAX, 476));
        let second = queue.drain(BATCH_MAX);
        assert_eq!((second.reports.len(), second.waiting, second.lost), (476, 0, 0));
    }

    #[test]
    fn snapshots_and_events_come_out_in_the_order_of_their_making() {
        let queue = ReportQueue::new(|| {});
        assert!(queue.push(1, stats()) && queue.push(2, event(7)) && queue.push(3, stats()) && queue.push(4, event(8)));
        let times: Vec<u64> = queue.drain(10).reports.iter().map(|timed| timed.at_us).collect();
        assert_eq!(times, [1, 2, 3, 4]);
    }

    #[test]
    fn an_overflow_takes_the_oldest_snapshot_and_counts_it() {
        let queue = ReportQueue::new(|| {});
        assert!(queue.push(1, stats()) && queue.push(2, stats()));
        for at in 3..=REPORTS_MAX as u64 + 1 {
            assert!(queue.push(at, event(1)));
        }
        let batch = queue.drain(1);
        assert_eq!((batch.reports[0].at_us, batch.lost), (2, 1));
        assert_eq!(queue.drain(1).lost, 0);
    }

    #[test]
    fn an_overflow_without_snapshots_ends_with_fatal_as_the_last_report() {
        let queue = ReportQueue::new(|| {});
        for at in 0..REPORTS_MAX as u64 {
            assert!(queue.push(at, event(1)));
        }
        assert!(!queue.push(9, event(1)));
        assert!(!queue.push(9, stats()));
        assert!(queue.is_closed());
        let mut last = None;
        for _ in 0..=REPORTS_MAX / BATCH_MAX {
            last = queue.drain(BATCH_MAX).reports.pop().or(last);
        }
        assert!(matches!(last, Some(Timed { report: Report::Fatal { .. }, .. })));
    }

    #[test]
    fn a_crowded_queue_names_the_loudest_session_once() {
        let queue = ReportQueue::new(|| {});
        let of = |session| Report::PathClosed { session, path: 1, reason: String::new() };
        for at in 0..CROWDED as SessionHandle {
            assert_eq!(queue.loudest(), None);
            assert!(queue.push(1, of(if at % 10 == 0 { at } else { 7 })));
        }
        assert_eq!(queue.loudest(), Some(7));
        for at in 0..2 * CROWDED_STEP as SessionHandle {
            assert!(queue.push(1, of(100_000 + at)));
            assert_eq!(queue.loudest(), None, "already returned, and no other session has more than its share");
        }
    }

    #[test]
    fn a_worker_is_woken_when_its_mailbox_is_no_longer_empty_and_not_again_before_it_is() {
        let mailbox = Mailbox::new(Waker::new().expect("eventfd"));
        let woken = || {
            let mut set = WaitSet::default();
            set.add(mailbox.waker().as_raw_fd());
            wait(&mut set, Some(0)).expect("waited");
            mailbox.waker().clear();
            set.is_ready(0)
        };
        let one = || vec![Command::AbortDial { dial: 1 }];
        mailbox.put(Vec::new());
        assert!(!woken());
        mailbox.put(one());
        assert!(woken());
        mailbox.put(one());
        assert!(!woken(), "it is awake");
        assert!(mailbox.take().is_some() && mailbox.take().is_some());
        mailbox.put(one());
        assert!(woken());
    }

    #[test]
    fn a_mailbox_has_room_up_to_its_limit_and_gives_in_order() {
        let mailbox = Mailbox::new(Waker::new().expect("eventfd"));
        let commands = |dials: std::ops::Range<u32>| dials.map(|dial| Command::AbortDial { dial }).collect::<Vec<_>>();
        let all = commands(0..COMMANDS_MAX as u32);
        mailbox.put(all[..COMMANDS_MAX - 1].to_vec());
        assert!(mailbox.has_room(1).is_ok() && mailbox.has_room(2).is_err());
        mailbox.put(all[COMMANDS_MAX - 1..].to_vec());
        assert_eq!(std::iter::from_fn(|| mailbox.take()).collect::<Vec<_>>(), all);
    }

    fn event(dial: u32) -> Report {
        Report::HandshakeUnanswered { dial }
    }

    fn stats() -> Report {
        Report::Stats { paths: Vec::new() }
    }
}
