//! Redundant mode: every inner packet is sent on two paths, as one ciphertext under two indices. The peer's replay
//! window accepts one of them.
//!
//! ```text
//!   packet ── sealed once ──┬── index of the send path ──► first: delivered
//!                           └── index of the companion ──► second: dropped before it is opened
//! ```
//!
//! The copy that arrives second is not counted for its path. So on both paths only probes show life and loss: one in
//! every interval I while there is traffic. Without a send path the companion carries the packets. They do not wait for
//! the core's next choice, and they do not influence that choice.

use super::Session;
use super::tandem::Tandem;
use crate::messages::PathId;
use crate::path::Path;
use crate::vocabulary::{CopyPurpose, DuplicateRoute};

/// Intervals between the last answer of a companion and a probe that another path answers; after that the companion can
/// be judged. Fewer intervals would mistake chance for death where one probe in twenty is lost.
const OUTLIVED_INTERVALS: u64 = 6;

impl Session {
    pub(super) fn is_redundant(&self) -> bool {
        self.tandem.is_some()
    }

    /// The path that carries the inner packets.
    pub(super) fn carrier(&self) -> Option<&Path> {
        self.send.and_then(|id| self.path(id)).or_else(|| self.companion())
    }

    fn companion(&self) -> Option<&Path> {
        self.path(self.tandem.as_ref()?.companion?).filter(|path| serves(path))
    }

    pub(super) fn is_companion(&self, id: PathId) -> bool {
        self.tandem.as_ref().is_some_and(|tandem| tandem.companion == Some(id))
    }

    /// Packets arrive on the companion, whatever happens to the send path.
    pub(super) fn companion_answers(&self) -> bool {
        self.companion().is_some_and(|path| self.send != Some(path.id) && !path.probes.in_doubt())
    }

    /// The route of the second copy. Only to a validated path, so it needs no byte budget.
    pub(super) fn companion_route(&self, carrier: PathId) -> Option<DuplicateRoute> {
        self.tandem.as_ref()?;
        let elected = self.companion().filter(|path| path.id != carrier);
        let Path { id, route, tx_index, .. } = *elected.or_else(|| self.fastest_beside(Some(carrier)))?;
        let purpose = CopyPurpose::Redundant;
        Some(DuplicateRoute { route, path: id, index: tx_index, budget: u64::MAX, purpose })
    }

    /// Keeps the companion unless it is not usable any more or another path is much faster: a path that is probed at
    /// every I should not change with every packet.
    pub(super) fn elect_companion(&mut self) {
        if !self.is_redundant() {
            return;
        }
        let fastest = self.fastest_beside(self.send);
        let slack_us = fastest.map_or(0, |path| (path.rtt.srtt_us() / 4).max(self.interval_us()));
        let limit_us = fastest.filter(|path| path.rtt.measured()).map(|path| path.rtt.srtt_us() + slack_us);
        let fits = |path: &&Path| limit_us.is_none_or(|limit| path.rtt.measured() && path.rtt.srtt_us() <= limit);
        let kept = self.companion().filter(|path| self.send != Some(path.id)).filter(fits);
        let companion = kept.or(fastest).map(|path| path.id);
        if let Some(tandem) = self.tandem.as_mut().filter(|tandem| tandem.companion != companion) {
            **tandem = Tandem { companion, outlived_at: 0 };
        }
    }

    fn fastest_beside(&self, other: Option<PathId>) -> Option<&Path> {
        let others = self.paths.iter().filter(|path| Some(path.id) != other && serves(path));
        others.min_by_key(|path| (!path.rtt.measured(), path.rtt.srtt_us(), path.id))
    }

    /// True for the paths that carry all packets now, and for the one that the peer may still use that way.
    pub(super) fn in_tandem(&self, now: u64, path: &Path) -> bool {
        self.is_redundant()
            && self.liveness.carries_traffic(now)
            && (self.send == Some(path.id)
                || self.is_companion(path.id)
                || (self.leaving() == Some(path.id) && path.usable()))
    }

    /// A path answered a probe sent at `sent_at`. If the companion was silent long before that, the peer is not the
    /// cause.
    pub(super) fn outlive(&mut self, now: u64, by: PathId, sent_at: u64) {
        let companion = self.tandem.as_ref().and_then(|tandem| tandem.companion).filter(|id| *id != by);
        let Some(at) = companion.and_then(|id| self.at(id)) else { return };
        let Some(since) = self.silent_since(at) else { return };
        let patience_us = self.paths[at].rtt.srtt_us() + OUTLIVED_INTERVALS * self.interval_us();
        let Some(tandem) = &mut self.tandem else { return };
        if tandem.outlived_at <= since && sent_at >= since + patience_us {
            tandem.outlived_at = now;
        }
    }

    /// The companion is silent although another path answered, and an answer sent at the same time would have arrived.
    /// The send path is judged by the packets that arrive on it.
    pub(super) fn is_outlived(&self, now: u64, at: usize, pto_us: u64) -> bool {
        let Some((tandem, since)) = self.tandem.as_ref().zip(self.silent_since(at)) else { return false };
        self.is_companion(self.paths[at].id) && since < tandem.outlived_at && tandem.outlived_at + pto_us <= now
    }
}

fn serves(path: &Path) -> bool {
    path.usable() && path.alive && path.tx_index != 0
}
