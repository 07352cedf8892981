//! The state of redundant mode.

use crate::messages::PathId;

/// The additional state of a session in redundant mode.
#[derive(Debug, Default)]
pub(super) struct Tandem {
    /// The second path.
    pub(super) companion: Option<PathId>,
    /// When another path answered a probe although the companion had been silent for a long time.
    pub(super) outlived_at: u64,
}
