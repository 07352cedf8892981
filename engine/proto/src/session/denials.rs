//! Gateway: what this end denies its peer without asking the core. The core records it: for each reason one report in a
//! second, and what was denied in between is counted into the next one.

use super::{Phase, Session};
use crate::messages::{DenialReason, PathId, Report};
use crate::shared::Shared;

/// Between two reports of one reason, µs.
const INTERVAL_US: u64 = 1_000_000;

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
pub(super) struct Denials([Tally; DenialReason::ALL.len()]);

impl Denials {
    fn count(&mut self, reason: DenialReason, path: PathId) {
        let tally = &mut self.0[reason as usize];
        tally.count = tally.count.saturating_add(1);
        tally.path = path;
    }

    /// The path and the number to report, if it is time.
    fn take(&mut self, reason: DenialReason, now: u64) -> Option<(PathId, u32)> {
        let tally = &mut self.0[reason as usize];
        if tally.count == 0 || now < tally.next_at {
            return None;
        }
        tally.next_at = now + INTERVAL_US;
        Some((tally.path, std::mem::take(&mut tally.count)))
    }

    fn next_at(&self) -> Option<u64> {
        self.0.iter().filter(|tally| tally.count > 0).map(|tally| tally.next_at).min()
    }
}

impl Session {
    pub(super) fn count_denial(&mut self, now: u64, cx: &mut Shared, path: PathId, reason: DenialReason) {
        self.binding.denials.get_or_insert_default().count(reason, path);
        self.denials_on_time(now, cx);
    }

    pub(super) fn denials_on_time(&mut self, now: u64, cx: &mut Shared) {
        self.report_denials(now, now, cx);
    }

    /// All that is counted, however soon after the last report: the core is about to forget the session.
    pub(super) fn report_last_denials(&mut self, now: u64, cx: &mut Shared) {
        self.report_denials(now, u64::MAX - INTERVAL_US, cx);
    }

    fn report_denials(&mut self, now: u64, due: u64, cx: &mut Shared) {
        if !self.is_known_to_the_core() {
            return;
        }
        let Some(denials) = &mut self.binding.denials else { return };
        for reason in DenialReason::ALL {
            if let Some((path, count)) = denials.take(reason, due) {
                cx.report(now, Report::ActivationsDenied { session: self.handle, path, reason, count });
            }
        }
    }

    pub(super) fn next_denial_at(&self) -> Option<u64> {
        self.binding.denials.as_ref().filter(|_| self.is_known_to_the_core())?.next_at()
    }

    fn is_known_to_the_core(&self) -> bool {
        !matches!(self.phase, Phase::Pending { .. })
    }
}
