//! Gateway: what this end denies its peer without asking the core. The core records it: for each reason one report in a
//! second, and what was denied in between is counted into the next one.

use crate::messages::{DenialReason, PathId};

/// Between two reports of one reason, µs.
pub(crate) const INTERVAL_US: u64 = 1_000_000;

#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    /// Denials since the last report, and the path of the newest one.
    count: u32,
    path: PathId,
    /// No report before this time.
    next_at: u64,
}

/// Most sessions never deny anything: it is made with the first denial.
#[derive(Debug, Default)]
pub(crate) struct Denials([Tally; DenialReason::ALL.len()]);

impl Denials {
    pub(crate) fn count(&mut self, reason: DenialReason, path: PathId) {
        let tally = &mut self.0[reason as usize];
        tally.count = tally.count.saturating_add(1);
        tally.path = path;
    }

    /// The path and the number to report, if it is time.
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
