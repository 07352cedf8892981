//! The deadlines of all sessions in one heap. A session has at most one *current* entry; replaced entries are skipped
//! when their time comes.
//!
//! If a deadline moves later, nothing is pushed: the entry comes up at the old time, and the session then sets its next
//! deadline. Only a deadline that moves earlier pushes a new entry.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::messages::SessionHandle;

/// The time of a session's current entry, kept by the session itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Armed(u64);

impl Default for Armed {
    fn default() -> Self {
        Self(u64::MAX)
    }
}

impl Armed {
    /// True if no entry comes up at `at` or before.
    pub(crate) fn later_than(self, at: u64) -> bool {
        self.0 > at
    }
}

#[derive(Debug, Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<(u64, SessionHandle)>>,
}

impl Timers {
    pub(crate) fn arm(&mut self, session: SessionHandle, armed: &mut Armed, at: u64) {
        if armed.later_than(at) {
            armed.0 = at;
            self.heap.push(Reverse((at, session)));
        }
    }

    pub(crate) fn next(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// Pops the next entry that is due. The caller checks it with `surfaced`.
    pub(crate) fn pop_due(&mut self, now: u64) -> Option<(u64, SessionHandle)> {
        self.heap.peek().filter(|Reverse((at, _))| *at <= now)?;
        self.heap.pop().map(|Reverse(entry)| entry)
    }
}

impl Armed {
    /// Clears the current entry. False if `at` belongs to an entry that was replaced by an earlier one.
    pub(crate) fn surfaced(&mut self, at: u64) -> bool {
        let current = self.0 == at;
        if current {
            self.0 = u64::MAX;
        }
        current
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_earlier_deadline_makes_a_new_entry_and_the_replaced_one_is_skipped() {
        let (mut timers, mut armed) = (Timers::default(), Armed::default());
        let session = 7;
        timers.arm(session, &mut armed, 500);
        timers.arm(session, &mut armed, 900);
        timers.arm(session, &mut armed, 100);
        assert_eq!(timers.pop_due(99), None);
        assert_eq!(timers.pop_due(100), Some((100, session)));
        assert!(armed.surfaced(100));
        assert_eq!(timers.pop_due(1_000), Some((500, session)));
        assert!(!armed.surfaced(500));
        assert_eq!(timers.next(), None);
    }
}
