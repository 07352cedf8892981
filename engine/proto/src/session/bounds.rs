//! What both ends take for granted of an activation.

use super::faults::Trouble;

/// Who asks again while the core thinks is told to wait twice as long as the core has thought already, within these bounds, µs: the
/// answer comes by itself, and asking again is for the case that it gets lost. Without a word a client takes the gateway for dead, and
/// a crowd that asks again and again keeps a busy gateway from answering anybody.
pub(super) const WAIT_MIN_US: u64 = 250_000;
pub(super) const WAIT_MAX_US: u64 = 4_000_000;
/// The greatest bind seq: what a double holds exactly, because the core's messages are JSON.
pub(super) const BIND_SEQ_MAX: u64 = (1 << 53) - 1;

pub(super) fn check_bind_seq(bind_seq: u64) -> Result<(), Trouble> {
    if bind_seq > BIND_SEQ_MAX { Err(Trouble::Attributable("bind_seq_range")) } else { Ok(()) }
}
