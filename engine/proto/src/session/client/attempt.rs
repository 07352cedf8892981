//! The running activation.

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
    /// The previous send path.
    pub(crate) from: Option<PathId>,
    pub(crate) retry: Retry,
    /// It was sent more than once, so packets sent together with the first one may be lost.
    pub(crate) repeated: bool,
    /// If it is unanswered at this time, this is reported once; the retries continue.
    pub(crate) until: u64,
    pub(crate) told_unanswered: bool,
}
