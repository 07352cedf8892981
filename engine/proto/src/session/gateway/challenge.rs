//! `ChallengeSession`: checks whether the client answers at all.

use crate::messages::Report;
use crate::session::Session;
use crate::shared::Shared;

/// Bounds of the time in which a path must answer `ChallengeSession`, µs.
const SESSION_CHALLENGE_MIN_US: u64 = 200_000;
const SESSION_CHALLENGE_MAX_US: u64 = 3_000_000;

impl Session {
    /// `ChallengeSession`: an answer on any validated path counts for the session.
    pub(crate) fn challenge_all(&mut self, now: u64, cx: &mut Shared) {
        let span = (3 * self.pto_max_us()).clamp(SESSION_CHALLENGE_MIN_US, SESSION_CHALLENGE_MAX_US);
        if let Some(side) = self.side.gateway_mut() {
            side.challenge_until = Some(now + span);
        }
        for at in 0..self.paths.len() {
            if self.paths[at].validated() {
                self.challenge(now, cx, at);
            }
        }
        self.rearm(now, cx);
    }

    /// A path answered a challenge: reports success.
    pub(in crate::session) fn session_answered(&mut self, now: u64, cx: &mut Shared) {
        if self.side.gateway_mut().is_some_and(|side| side.challenge_until.take().is_some()) {
            cx.report(now, Report::ChallengeResult { session: self.handle, answered: true });
        }
    }

    /// Reports failure once if no path has answered in time.
    pub(in crate::session) fn session_unanswered(&mut self, now: u64, cx: &mut Shared) {
        if self.side.gateway_mut().is_some_and(|side| side.challenge_until.take_if(|until| *until <= now).is_some()) {
            cx.report(now, Report::ChallengeResult { session: self.handle, answered: false });
        }
    }
}
