//! Which activation is the newest, what it waits for, and what was said to it.

use crate::frames::Reason;
use crate::messages::{AttachKind, PathId};
use crate::session::gateway::denials::Denials;

/// Time that the core has for its answer, µs: longer than it needs to read a full queue of reports, or it would be
/// asked again for no other reason than that it is busy.
const CORE_ANSWER_US: u64 = 60_000_000;

/// An activation that waits for a proof or for the core.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) bind_seq: u64,
    pub(crate) path: PathId,
    pub(crate) kind: AttachKind,
    pub(crate) reason: Reason,
    pub(crate) echo: [u8; 16],
}

/// An activation that the core was told of and has not answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    pub(crate) path: PathId,
    pub(crate) bind_seq: u64,
    pub(crate) at: u64,
    /// When the client was last asked to wait.
    pub(crate) waited_at: Option<u64>,
}

impl Told {
    /// False once the core has no answer to give any more.
    pub(crate) fn is_awaited(&self, now: u64) -> bool {
        now < self.at + CORE_ANSWER_US
    }
}

/// What was said to the newest activation, for its repetitions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) asked: Asked,
    pub(crate) denied: Option<(Reason, u32)>,
}

#[derive(Debug, Default)]
pub(crate) struct Binding {
    /// The highest bind seq seen.
    pub(crate) bind_seq: u64,
    pub(crate) asked: Option<Asked>,
    /// One at a time: what a client asks for meanwhile waits until the core has answered, so that a crowd which repeats
    /// itself costs the core no more than one that does not.
    pub(crate) told: Option<Told>,
    pub(crate) answer: Option<Answer>,
    pub(crate) denials: Option<Box<Denials>>,
}
