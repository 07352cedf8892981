//! Bounds of an activation that apply to both ends.

use super::faults::Trouble;
use crate::vocabulary::blame::PeerFault;

/// Bounds of the retry time in WAITING, µs. A repeated activation is answered WAITING, with twice the time that the
/// first has already waited. The gateway also sends WAITING unasked; repeating the activation only covers its loss.
/// Without WAITING, a client would take the gateway for dead, and the repetitions of many clients would keep a busy
/// gateway from answering any of them.
pub(super) const WAIT_MIN_US: u64 = 250_000;
pub(super) const WAIT_MAX_US: u64 = 4_000_000;
/// Maximum bind seq: the largest integer that a double represents exactly, because the core's messages are JSON.
pub(super) const BIND_SEQ_MAX: u64 = (1 << 53) - 1;

pub(super) fn check_bind_seq(bind_seq: u64) -> Result<(), Trouble> {
    if bind_seq > BIND_SEQ_MAX { Err(Trouble::Attributable(PeerFault::BindSeqRange)) } else { Ok(()) }
}
