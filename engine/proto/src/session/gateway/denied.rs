//! When denials are reported to the core.

use crate::messages::{DenialReason, PathId, Report};
use crate::session::gateway::denials::INTERVAL_US;
use crate::session::{Phase, Session};
use crate::shared::Shared;

impl Session {
    pub(in crate::session) fn count_denial(&mut self, now: u64, cx: &mut Shared, path: PathId, reason: DenialReason) {
        let Some(side) = self.side.gateway_mut() else { return };
        side.binding.denials.get_or_insert_default().count(reason, path);
        self.denials_on_time(now, cx);
    }

    pub(in crate::session) fn denials_on_time(&mut self, now: u64, cx: &mut Shared) {
        self.report_denials(now, now, cx);
    }

    /// Reports all counted denials, even if the last report was less than a second ago: the core is about to drop the
    /// session.
    pub(in crate::session) fn report_last_denials(&mut self, now: u64, cx: &mut Shared) {
        self.report_denials(now, u64::MAX - INTERVAL_US, cx);
    }

    fn report_denials(&mut self, now: u64, due: u64, cx: &mut Shared) {
        if !self.is_known_to_the_core() {
            return;
        }
        let Some(denials) = self.side.gateway_mut().and_then(|side| side.binding.denials.as_mut()) else { return };
        for reason in DenialReason::ALL {
            if let Some((path, count)) = denials.take(reason, due) {
                cx.report(now, Report::ActivationsDenied { session: self.handle, path, reason, count });
            }
        }
    }

    pub(in crate::session) fn next_denial_at(&self) -> Option<u64> {
        self.side.gateway()?.binding.denials.as_ref().filter(|_| self.is_known_to_the_core())?.next_at()
    }

    fn is_known_to_the_core(&self) -> bool {
        !matches!(self.phase, Phase::Pending { .. })
    }
}
