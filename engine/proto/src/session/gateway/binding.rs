//! The newest activation, what it waits for, and how it was answered.

use crate::frames::Reason;
use crate::messages::{AttachKind, PathId};
use crate::session::gateway::denials::Denials;

/// Time that the core has for its answer, µs. It is longer than the core needs to read a full queue of reports;
/// otherwise a busy core would be asked again only because it is busy.
const CORE_ANSWER_US: u64 = 60_000_000;

/// An activation that waits for the validation of its path or for the core.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) bind_seq: u64,
    pub(crate) path: PathId,
    pub(crate) kind: AttachKind,
    pub(crate) reason: Reason,
    pub(crate) echo: [u8; 16],
}

/// An activation that was reported to the core and is not answered yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    pub(crate) path: PathId,
    pub(crate) bind_seq: u64,
    pub(crate) at: u64,
    /// When the client was last asked to wait.
    pub(crate) waited_at: Option<u64>,
}

impl Told {
    /// False if the core's time for its answer is over.
    pub(crate) fn is_awaited(&self, now: u64) -> bool {
        now < self.at + CORE_ANSWER_US
    }
}

/// The answer to the newest activation, for repetitions of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) asked: Asked,
    pub(crate) denied: Option<(Reason, u32)>,
}

#[derive(Debug, Default)]
pub(crate) struct Binding {
    /// The highest bind seq received.
    pub(crate) bind_seq: u64,
    pub(crate) asked: Option<Asked>,
    /// Only one at a time: later activations of the client wait until the core has answered. So a crowd of clients that
    /// repeat themselves costs the core no more than one that does not.
    pub(crate) told: Option<Told>,
    pub(crate) answer: Option<Answer>,
    pub(crate) denials: Option<Box<Denials>>,
}
