//! The state of redundant mode.

use crate::messages::PathId;

/// What a session in redundant mode has more than another.
#[derive(Debug, Default)]
pub(super) struct Tandem {
    /// The other path.
    pub(super) companion: Option<PathId>,
    /// When another path answered a probe although the companion had been silent for long.
    pub(super) outlived_at: u64,
}
