//! Inner packets: on which path they are sent, how they are sealed, and how they drive liveness.

use super::{Phase, Session};
use crate::messages::{PathId, Report};
use crate::path::Path;
use crate::path::path_mtu::{LARGE_MESSAGE, PacketMax};
use crate::shared::Shared;
use crate::shared::hold::Keep;
use crate::vocabulary::{COPIES_MAX, CopyPurpose, DuplicateRoute, SealError, SendRoute};
use crate::wire::{DATA_HEADER, TAG};

/// Maximum bytes of copies sent on a standby during one suspicion.
pub(super) const COPIES_PER_SUSPICION: u64 = 1 << 20;
/// Minimum time before TCP repeats a segment (Linux: `TCP_RTO_MIN`), µs. TCP repairs the losses of a shorter doubt by
/// itself.
const TCP_RETRY_MIN_US: u64 = 200_000;

impl Session {
    pub(crate) fn send_route(&mut self, cx: &mut Shared, now: u64) -> Option<SendRoute> {
        self.elect_companion();
        let path = self.carrier()?;
        let (id, route, budget) = (path.id, path.route, path.budget());
        let PacketMax { bytes: packet_max, settled } = self.packet_max;
        let copies = self.copies(cx, now, id);
        // With a companion, the question is whether it answers: in a blackout of both paths, the copies are lost too.
        let arrives = copies[0].is_some_and(|copy| copy.purpose != CopyPurpose::Redundant) || self.companion_answers();
        let keep = !arrives && self.may_lead_nowhere(cx, now);
        Some(SendRoute {
            route,
            path: id,
            budget,
            copies,
            keep,
            packet_max,
            settled,
            elides_checksums: self.elides_checksums(),
        })
    }

    fn copies(&self, cx: &mut Shared, now: u64, carrier: PathId) -> [Option<DuplicateRoute>; COPIES_MAX] {
        let moved = self.new_address_route(carrier);
        let second = self.companion_route(carrier);
        match second {
            Some(second) => [Some(second), moved, self.new_address_route(second.path)],
            None => [moved.or_else(|| self.duplicate_route(cx, now, carrier)), None, None],
        }
    }

    /// Packets sent now may be lost with their path: it is in doubt, or it is the first path after a blackout and not
    /// proved yet.
    fn may_lead_nowhere(&self, cx: &Shared, now: u64) -> bool {
        self.liveness.in_doubt(now) || (self.side.attempt().is_some() && cx.hold.holds(self.handle))
    }

    /// The send path is in doubt; its last sign of life was `silent_us` ago. Packets sent since then may be lost.
    pub(super) fn doubt_began(&mut self, now: u64, cx: &mut Shared, silent_us: u64) {
        if self.companion_answers() {
            return;
        }
        let srtt_us = self.send.and_then(|id| self.path(id)).map_or(0, |path| path.rtt.expected_us());
        let since = now.saturating_sub(silent_us + srtt_us);
        let Some(recent) = &mut self.recent else { return };
        recent.take(since, |at, packet, csum_partial| {
            cx.hold.keep(at, self.handle, Keep::Segments, (&[], packet), csum_partial);
        });
    }

    /// The send path was in doubt for `silent_us`; the doubt is over. After a short doubt, the packets have arrived. A
    /// long one was a blackout: the segments that inner TCP repeated in it are sent once more.
    pub(super) fn doubt_ended(&mut self, now: u64, cx: &mut Shared, silent_us: u64) {
        if silent_us >= TCP_RETRY_MIN_US {
            self.release_held(now, cx);
        } else {
            cx.hold.clear(self.handle);
        }
    }

    /// Releases the held packets if there is a path. While the path is not proved yet, a copy stays held for another
    /// path.
    pub(super) fn release_held(&mut self, now: u64, cx: &mut Shared) {
        if self.carrier().is_some() && self.is_active() && self.epochs.expired(now).is_none() {
            cx.hold.release(now, self.handle, self.side.attempt().is_some());
        }
    }

    /// While it is unknown which of two addresses the peer has, every packet is sent to both.
    fn new_address_route(&self, id: PathId) -> Option<DuplicateRoute> {
        let path = self.path(id)?;
        let rebinding = path.new_addresses.likeliest()?;
        let (route, budget) = (rebinding.route, rebinding.budget());
        Some(DuplicateRoute { route, path: id, index: path.tx_index, budget, purpose: CopyPurpose::Rebinding })
    }

    /// While this end or the peer suspects the send path, copies are sent on a standby: for a bounded time and a
    /// bounded number of bytes.
    fn duplicate_route(&self, cx: &mut Shared, now: u64, send: PathId) -> Option<DuplicateRoute> {
        let preferred = if self.liveness.copies_wanted(now) {
            None
        } else if self.liveness.peer_is_deaf(now) {
            Some(self.copies_to?)
        } else {
            return None;
        };
        let budget = self.copies_left.min(cx.copies.left(now));
        let standbys =
            self.paths.iter().filter(|path| path.id != send && path.usable() && path.alive && path.tx_index != 0);
        let standby =
            standbys.min_by_key(|path| (Some(path.id) != preferred, !path.rtt.measured(), path.rtt.srtt_us()))?;
        let Path { id, route, tx_index, .. } = *standby;
        let purpose = CopyPurpose::Suspicion;
        (budget > 0).then_some(DuplicateRoute { route, path: id, index: tx_index, budget, purpose })
    }

    /// Seals `head ‖ body`, one inner packet, into `out`.
    pub(crate) fn seal_inner(
        &mut self,
        cx: &mut Shared,
        now: u64,
        out: &mut [u8],
        (head, body): (&[u8], &[u8]),
        csum_partial: bool,
    ) -> Result<usize, SealError> {
        if csum_partial && !self.elides_checksums() {
            return Err(SealError::PartialChecksum);
        }
        if self.phase != Phase::Active {
            return Err(SealError::NotReady);
        }
        if out.len() < DATA_HEADER + head.len() + body.len() + TAG {
            return Err(SealError::BufferTooSmall);
        }
        if self.epochs.expired(now).is_some() {
            self.rearm(now, cx);
            return Err(SealError::KeyExpired);
        }
        let path = self.carrier().ok_or(SealError::NoPath)?;
        let receiver = if path.tx_index == 0 { self.tx_index } else { path.tx_index };
        self.on_traffic(cx, now);
        let sealed = self.epochs.seal_inner(out, receiver, head, body, csum_partial).ok_or(SealError::KeyExpired)?;
        self.large_sealed |= sealed > LARGE_MESSAGE;
        let interval_us = self.interval_us();
        if let Some(recent) = &mut self.recent {
            recent.note(now, interval_us, (head, body), csum_partial);
        }
        if self.epochs.at_packet_limit() {
            self.rearm(now, cx);
        }
        Ok(sealed)
    }

    /// Messages with inner packets were sent on a path. In redundant mode they do not measure its loss, because the
    /// receiver could count only the first of two copies.
    pub(crate) fn sent(&mut self, path: PathId, now: u64, packets: u32, bytes: u32) {
        let packets = if self.is_redundant() { 0 } else { u64::from(packets) };
        if let Some(path) = self.path_mut(path) {
            path.count_sent(now, packets, u64::from(bytes));
        }
    }

    /// Copies of messages with inner packets were sent. They do not count as sent on their path: where they arrive they
    /// are not counted either, because the original was.
    pub(crate) fn copied(&mut self, cx: &mut Shared, way: &DuplicateRoute, now: u64, bytes: u32) {
        let bytes = u64::from(bytes);
        if way.purpose == CopyPurpose::Suspicion {
            self.copies_left = self.copies_left.saturating_sub(bytes);
            cx.copies.spend(bytes);
        }
        let Some(path) = self.path_mut(way.path) else { return };
        path.count_sent(now, 0, bytes);
        if let Some(rebinding) = path.new_addresses.at(way.route) {
            rebinding.sent(bytes);
        }
    }

    /// An inner packet was sealed or opened.
    pub(super) fn on_traffic(&mut self, cx: &mut Shared, now: u64) {
        let srtt_us = self.send.and_then(|id| self.path(id)).map_or(0, |path| path.rtt.expected_us());
        if self.liveness.traffic(now, srtt_us) {
            self.measure(cx);
            if self.recent.is_none() {
                self.recent = cx.rings.lend();
            }
            self.elect_companion();
            if !self.awake {
                self.awake = true;
                self.epochs.wake();
            }
            self.rearm(now, cx);
        }
    }

    /// Lists the session for statistics.
    pub(super) fn measure(&mut self, cx: &mut Shared) {
        if !std::mem::replace(&mut self.measured, true) {
            cx.measured.push(self.handle);
        }
    }

    /// Called after statistics were taken: true if the session stays listed.
    pub(crate) fn stays_measured(&mut self, now: u64, cx: &mut Shared) -> bool {
        let traffic = self.liveness.carries_traffic(now);
        if !traffic {
            cx.rings.take_back(self.recent.take());
        }
        self.measured = self.probing_us > 0 || traffic;
        self.measured
    }

    pub(super) fn report_expiry(&mut self, now: u64, cx: &mut Shared) {
        if let Some((epoch, trigger)) = self.epochs.newly_expired(now) {
            cx.report(now, Report::KeyExpired { session: self.handle, epoch, trigger: trigger.to_owned() });
        }
    }
}
