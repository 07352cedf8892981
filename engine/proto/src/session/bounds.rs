//! Bounds of an activation that both ends keep to.

use super::faults::Trouble;
use crate::vocabulary::blame::PeerFault;

/// A repeated activation is answered WAITING, with twice the time that the first has already waited, within these
/// bounds, µs. The answer comes without being asked for; asking again only covers its loss. Without WAITING a client
/// takes the gateway for dead, and many clients that repeat themselves keep a busy gateway from answering any of them.
pub(super) const WAIT_MIN_US: u64 = 250_000;
pub(super) const WAIT_MAX_US: u64 = 4_000_000;
/// The greatest bind seq: what a double holds exactly, because the core's messages are JSON.
pub(super) const BIND_SEQ_MAX: u64 = (1 << 53) - 1;

pub(super) fn check_bind_seq(bind_seq: u64) -> Result<(), Trouble> {
    if bind_seq > BIND_SEQ_MAX { Err(Trouble::Attributable(PeerFault::BindSeqRange)) } else { Ok(()) }
}
