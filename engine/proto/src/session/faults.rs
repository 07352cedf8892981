//! Who is to blame for a message that had no effect, and how often that is said.

use super::Session;
use crate::messages::Report;
use crate::shared::Shared;

/// Reports of attributable failures of one session in one second. The core's budget is five a minute; the rest is counted.
const REPORTS_PER_S: u32 = 16;
const SECOND_US: u64 = 1_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// No delay, loss, duplication, reordering or relabelling of honest messages can produce it.
    Attributable(&'static str),
    /// Proves nothing; counted.
    Unattributable(&'static str),
}

#[derive(Debug, Default)]
pub(super) struct FaultWindow {
    from: u64,
    reported: u32,
}

impl FaultWindow {
    fn admits(&mut self, now: u64) -> bool {
        if now >= self.from + SECOND_US {
            *self = Self { from: now, reported: 0 };
        }
        self.reported += 1;
        self.reported <= REPORTS_PER_S
    }
}

impl Session {
    pub(super) fn trouble(&mut self, now: u64, cx: &mut Shared, trouble: Trouble) {
        match trouble {
            Trouble::Attributable(kind) if self.faults.admits(now) => {
                let report =
                    Report::ValidationFailed { session: self.handle, kind: kind.to_owned(), attributable: true };
                cx.report(now, report);
            }
            Trouble::Attributable(kind) | Trouble::Unattributable(kind) => cx.drop(now, kind),
        }
    }
}
