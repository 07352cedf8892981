//! Gateway: denials of requests of the peer, made without asking the core. The core records them: at most one report
//! per reason and second; denials in between are counted into the next report.

use crate::messages::{DenialReason, PathId};

/// Interval between two reports of one reason, µs.
pub(crate) const INTERVAL_US: u64 = 1_000_000;

#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    /// Number of denials since the last report, and the path of the newest one.
    count: u32,
    path: PathId,
    /// No report before this time.
    next_at: u64,
}

/// Created with the first denial, because most sessions never deny anything.
#[derive(Debug, Default)]
pub(crate) struct Denials([Tally; DenialReason::ALL.len()]);

impl Denials {
    pub(crate) fn count(&mut self, reason: DenialReason, path: PathId) {
        let tally = &mut self.0[reason as usize];
        tally.count = tally.count.saturating_add(1);
        tally.path = path;
    }

    /// Path and number to report, if a report is due.
    pub(crate) fn take(&mut self, reason: DenialReason, now: u64) -> Option<(PathId, u32)> {
        let tally = &mut self.0[reason as usize];
        if tally.count == 0 || now < tally.next_at {
            return None;
        }
        tally.next_at = now + INTERVAL_US;
        Some((tally.path, std::mem::take(&mut tally.count)))
    }

    pub(crate) fn next_at(&self) -> Option<u64> {
        self.0.iter().filter(|tally| tally.count > 0).map(|tally| tally.next_at).min()
    }
}
