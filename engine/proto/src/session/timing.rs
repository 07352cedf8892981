//! All timers of a session in one table: the reason for the timer, its next deadline, and its work.

use super::{Phase, Session};
use crate::messages::Report;
use crate::shared::Shared;

/// Minimum interval between two accepted HINTs, µs.
const HINT_INTERVAL_US: u64 = 10_000_000;

/// Whether the session continues after a timer's work; most work returns nothing.
trait GoesOn {
    fn goes_on(self) -> bool;
}

impl GoesOn for () {
    fn goes_on(self) -> bool {
        true
    }
}

impl GoesOn for bool {
    fn goes_on(self) -> bool {
        self
    }
}

/// Makes the reason, the deadline and the work from each row, so none of them can be forgotten. All work is run in the
/// order of the rows, even if only one row is due: each checks its own deadlines.
macro_rules! timers {
    ($($(#[$meta:meta])* $timer:ident: $next:expr => $work:expr;)*) => {
        /// Why a session has a deadline.
        #[cfg(test)]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum Timer { $($(#[$meta])* $timer,)* }

        impl Session {
            /// Does all that is due. False if the session ends because the client did not confirm it.
            pub(crate) fn on_time(&mut self, now: u64, cx: &mut Shared) -> bool {
                $(if !GoesOn::goes_on($work(self, now, cx)) {
                    return false;
                })*
                // Otherwise the session would be woken at the same time again and again without effect.
                #[cfg(test)]
                assert_eq!(self.due(now, cx.stalled_at), [], "the work left these timers due");
                self.rearm(now, cx);
                true
            }

            fn next_deadline(&self, now: u64, stalled_at: u64) -> Option<u64> {
                let at = [$({
                    let next: fn(&Self, u64, u64) -> Option<u64> = $next;
                    next(self, now, stalled_at)
                },)*];
                at.into_iter().flatten().min()
            }

            /// The timers that are due.
            #[cfg(test)]
            fn due(&self, now: u64, stalled_at: u64) -> Vec<Timer> {
                let mut due = Vec::new();
                $({
                    let next: fn(&Self, u64, u64) -> Option<u64> = $next;
                    due.extend(next(self, now, stalled_at).filter(|at| *at <= now).map(|_| Timer::$timer));
                })*
                due
            }
        }
    };
}

timers! {
    /// Gateway: the client must confirm its session in this time, or the session ends.
    Confirmation: |session, _, _| session.unconfirmed_until() => Self::is_confirmed_in_time;
    /// Client: an activation is sent again or counts as unanswered.
    Attempt: |session, _, _| session.next_attempt_at() => Self::attempt_on_time;
    /// Client: the same for a candidate.
    Candidacy: |session, _, _| session.next_candidacy_at() => Self::candidates_on_time;
    /// The challenge of a path is sent again or counts as unanswered.
    Challenge: |session, _, _| session.next_challenge_at() => Self::challenges_on_time;
    /// Gateway: the two addresses of a path are challenged again, or one of them is chosen.
    Rebinding: |session, _, _| session.next_rebinding_at() => Self::rebindings_on_time;
    /// ASSIGN or SWITCH_REQUEST is sent again.
    Delivery: |session, _, _| session.next_delivery_at() => Self::deliveries_on_time;
    /// Gateway: counted denials are reported.
    Denial: |session, _, _| session.next_denial_at() => Self::denials_on_time;
    /// A rekey begins, is sent again, or ends; or a key has passed its age.
    Rekey: |session, now, _| session.next_rekey_at_most(now) => Self::rekey_on_time;
    /// A probe is sent, or silence is judged.
    Watch: |session, now, stalled_at| session.next_watch_at(now, stalled_at) => Self::watch_on_time;
    /// The packet size of a path is searched.
    Sizes: |session, now, _| session.next_sizes_at(now) => Self::sizes_on_time;
    /// Nothing was sent for a while: the prepared keys are dropped.
    Rest: |session, _, _| session.liveness.emits_until().filter(|_| session.awake) => Self::rest_on_time;
}

impl Session {
    /// An entry of the timer heap is due. False if an earlier entry has replaced it.
    pub(crate) fn surfaced(&mut self, at: u64) -> bool {
        self.armed.surfaced(at)
    }

    pub(crate) fn rearm(&mut self, now: u64, cx: &mut Shared) {
        self.refit();
        if let Some(at) = self.next_deadline(now, cx.stalled_at) {
            cx.timers.arm(self.handle, &mut self.armed, at.max(now));
        }
    }

    fn unconfirmed_until(&self) -> Option<u64> {
        match self.phase {
            Phase::Pending { until } => Some(until),
            Phase::Offered | Phase::Active => None,
        }
    }

    fn is_confirmed_in_time(&mut self, now: u64, _: &mut Shared) -> bool {
        self.unconfirmed_until().is_none_or(|until| now < until)
    }

    /// The limits of packets and failed opens have no deadline: they are checked at once.
    fn next_rekey_at_most(&self, now: u64) -> Option<u64> {
        let limit = self.key_limit_reached(now).then_some(now);
        [limit, self.next_rekey_at()].into_iter().flatten().min()
    }

    fn rest_on_time(&mut self, now: u64, _: &mut Shared) {
        if self.awake && !self.liveness.carries_traffic(now) {
            self.awake = false;
            self.epochs.rest();
        }
    }

    /// A HINT named this session. It is unauthenticated, so it is reported at most once per 10 s.
    pub(crate) fn hinted(&mut self, now: u64, cx: &mut Shared) {
        let Some(side) = self.side.client_mut() else { return };
        if now >= side.hints_from {
            side.hints_from = now + HINT_INTERVAL_US;
            cx.report(now, Report::Hinted { session: self.handle });
        }
    }
}
