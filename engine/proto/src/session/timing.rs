//! What is due when.

use super::{Phase, Session};
use crate::messages::Report;
use crate::shared::Shared;

/// A HINT is believed at most this often, µs.
const HINT_INTERVAL_US: u64 = 10_000_000;

impl Session {
    /// An entry of the timer heap surfaced. False if it was replaced by an earlier one.
    pub(crate) fn surfaced(&mut self, at: u64) -> bool {
        self.armed.surfaced(at)
    }

    /// Does all that is due. False if the session ends: its confirmation never came.
    pub(crate) fn on_time(&mut self, now: u64, cx: &mut Shared) -> bool {
        if matches!(self.phase, Phase::Pending { until } if until <= now) {
            return false;
        }
        self.attempt_on_time(now, cx);
        self.candidates_on_time(now, cx);
        self.challenges_on_time(now, cx);
        self.rebindings_on_time(now, cx);
        self.deliveries_on_time(now, cx);
        self.denials_on_time(now, cx);
        self.rekey_on_time(now, cx);
        self.watch_on_time(now, cx);
        self.sizes_on_time(now, cx);
        if self.awake && !self.liveness.carries_traffic(now) {
            self.awake = false;
            self.epochs.rest();
        }
        self.rearm(now, cx);
        true
    }

    pub(crate) fn rearm(&mut self, now: u64, cx: &mut Shared) {
        self.refit();
        if let Some(at) = self.next_deadline(now, cx.stalled_at) {
            cx.timers.arm(self.handle, &mut self.armed, at.max(now));
        }
    }

    fn next_deadline(&self, now: u64, stalled_at: u64) -> Option<u64> {
        let pending = match self.phase {
            Phase::Pending { until } => Some(until),
            Phase::Offered | Phase::Active => None,
        };
        let idle_at = self.liveness.emits_until().filter(|_| self.awake);
        let limit = self.key_limit_reached(now).then_some(now);
        [
            pending,
            idle_at,
            limit,
            self.next_attempt_at(),
            self.next_candidacy_at(),
            self.next_challenge_at(),
            self.next_rebinding_at(),
            self.next_delivery_at(),
            self.next_denial_at(),
            self.next_rekey_at(),
            self.next_watch_at(now, stalled_at),
            self.next_sizes_at(now),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// A HINT named this session. Unauthenticated: the core hears of it at most once per 10 s.
    pub(crate) fn hinted(&mut self, now: u64, cx: &mut Shared) {
        let Some(side) = self.side.client_mut() else { return };
        if now >= side.hints_from {
            side.hints_from = now + HINT_INTERVAL_US;
            cx.report(now, Report::Hinted { session: self.handle });
        }
    }
}
