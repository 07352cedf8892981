//! The activation that is under way.

use crate::frames::Reason;
use crate::messages::{AttachKind, PathId};
use crate::path::Retry;

#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) bind_seq: u64,
    pub(crate) path: PathId,
    pub(crate) kind: AttachKind,
    pub(crate) reason: Reason,
    pub(crate) challenge: [u8; 16],
    /// The send path before.
    pub(crate) from: Option<PathId>,
    pub(crate) retry: Retry,
    /// It was sent more than once, so that what left together with it may be lost.
    pub(crate) repeated: bool,
    /// Unanswered at this time: reported once, while the retries go on.
    pub(crate) until: u64,
    pub(crate) told_unanswered: bool,
}
