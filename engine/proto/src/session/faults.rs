//! Who is to blame for a message without effect, and how often this is reported. Also bounds other reports that a peer
//! can cause.

use crate::path::rtt::clamp_u32;
use crate::vocabulary::blame::{DropKind, PeerFault};

/// Reports of one session in one second. One window limits attributable failures (the core's budget is five a minute;
/// the rest is counted), another limits requests for activations and new paths.
const REPORTS_PER_S: u32 = 16;
const SECOND_US: u64 = 1_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Delay, loss, duplication, reordering or relabelling of honest messages cannot cause it.
    Attributable(PeerFault),
    /// Proves nothing; only counted.
    Unattributable(DropKind),
}

impl Trouble {
    /// A frame that only the other end may send.
    pub(super) const OTHER_ROLE: Self = Self::Attributable(PeerFault::FrameOfTheOtherRole);
}

#[derive(Debug, Default)]
pub(super) struct ReportWindow {
    from: u64,
    reported: u32,
}

impl ReportWindow {
    pub(super) fn admits(&mut self, now: u64) -> bool {
        if now >= self.from + SECOND_US {
            *self = Self { from: now, reported: 0 };
        }
        self.reported = self.reported.saturating_add(1);
        self.reported <= REPORTS_PER_S
    }

    /// Time until it admits the next one, in ms, rounded up.
    pub(super) fn ends_in_ms(&self, now: u64) -> u32 {
        clamp_u32((self.from + SECOND_US).saturating_sub(now).div_ceil(1_000))
    }
}
