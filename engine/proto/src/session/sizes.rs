//! Packet sizes: each path in turn is searched with probes; the session uses the smallest size of the paths in use.

use super::Session;
use crate::frames::{Frame, Probe};
use crate::messages::{PathId, Report};
use crate::path::Path;
use crate::path::path_mtu::{Finding, PacketMax};
use crate::shared::Shared;
use crate::vocabulary::SizedFor;
use crate::vocabulary::blame::DropKind;
use crate::wire::{DATA_HEADER, TAG, write_receiver};

/// Findings of one path in one turn: end of a round, verdict, next flight.
const FINDINGS_MAX: usize = 4;
/// If no bytes are left in this second, a search is postponed by this time or up to twice as long.
const POSTPONE_US: u64 = 1_000_000;
/// Length of type and length of PAD.
const PAD_HEADER: usize = 3;

impl Session {
    /// True if the sizes of the path matter: it carries traffic, or may have to at any moment.
    fn sizes_matter(&self, now: u64, path: &Path) -> bool {
        self.is_active() && path.usable() && path.alive && self.liveness.carries_traffic(now)
    }

    /// True if packets are sent on it: the send path, and in redundant mode its companion.
    fn carries(&self, id: PathId) -> bool {
        self.send == Some(id) || self.is_companion(id)
    }

    /// Only one standby at a time is searched; paths that carry packets are searched whenever a search is due. So the
    /// peer must answer a bounded number of probes.
    fn sizes_due_at(&self, now: u64, path: &Path) -> Option<u64> {
        let sends = self.carries(path.id);
        let due = path.mtu.next_at(sends).filter(|_| self.sizes_matter(now, path))?;
        let searched = |other: &Path| other.mtu.in_flight() && !self.carries(other.id) && self.sizes_matter(now, other);
        let has_turn = sends || path.mtu.in_flight() || !self.paths.iter().any(searched);
        has_turn.then_some(due)
    }

    pub(super) fn sizes_on_time(&mut self, now: u64, cx: &mut Shared) {
        let large = std::mem::take(&mut self.large_sealed);
        for at in 0..self.paths.len() {
            if large && self.carries(self.paths[at].id) {
                self.paths[at].mtu.large_sent();
            }
            for _ in 0..FINDINGS_MAX {
                if self.sizes_due_at(now, &self.paths[at]).is_none_or(|due| due > now) {
                    break;
                }
                if self.paths[at].mtu.may_wait(now) && cx.sizes.left(now) == 0 {
                    let wait = POSTPONE_US + cx.rng.below(POSTPONE_US);
                    self.paths[at].mtu.wait(now + wait);
                    break;
                }
                let (sends, pto_us) = (self.carries(self.paths[at].id), self.paths[at].rtt.pto_us(self.interval_us()));
                match self.paths[at].mtu.poll(now, pto_us, sends) {
                    Some(Finding::Flight) => self.send_sizes(now, cx, at),
                    Some(Finding::Settled) => self.report_mtu(now, cx, at, false),
                    Some(Finding::BlackHole) => self.report_mtu(now, cx, at, true),
                    None => {}
                }
            }
        }
    }

    fn report_mtu(&self, now: u64, cx: &mut Shared, at: usize, black_hole: bool) {
        let Path { id, mtu, .. } = &self.paths[at];
        cx.report(now, Report::PathMtu { session: self.handle, path: *id, mtu: mtu.size(), black_hole });
    }

    fn send_sizes(&mut self, now: u64, cx: &mut Shared, at: usize) {
        cx.sizes.spend(self.paths[at].mtu.search_bytes());
        let deaf = self.deafness(now);
        let (handle, session_index) = (self.handle, self.tx_index);
        let Path { id, route, tx_index, traffic, mtu, .. } = &mut self.paths[at];
        let (id, route) = (*id, *route);
        let receiver = if *tx_index == 0 { session_index } else { *tx_index };
        let mut flight = Vec::new();
        for (size, seq) in mtu.flight() {
            *seq = self.probe_numbers.take();
            flight.push((size, *seq));
        }
        let (tx_packets, tx_bytes) = (traffic.tx_packets, traffic.tx_bytes);
        for (size, seq) in flight {
            let (deaf_on, age_ms) = deaf;
            let probe = Frame::Probe(Probe { path: id, seq, t_us: now, tx_packets, tx_bytes, deaf_on, age_ms });
            let mut plaintext = Vec::with_capacity(128);
            probe.encode(&mut plaintext);
            let padded = size.map_or(0, |size| self.paths[at].mtu.message_len(size));
            let pad = padded.saturating_sub(DATA_HEADER + plaintext.len() + PAD_HEADER + TAG);
            Frame::Pad(pad as u16).encode(&mut plaintext);
            let sealed = self.epochs.seal_frames(&plaintext, receiver);
            let whole = SizedFor { session: handle, path: id };
            let left = sealed.is_some_and(|mut sealed| {
                write_receiver(&mut sealed, receiver);
                cx.outbox.push_whole(route, sealed, whole)
            });
            if !left {
                cx.drop(now, DropKind::SizeProbeUnsent);
                return self.paths[at].mtu.cancel(now);
            }
        }
    }

    /// The limit for inner packets that are sent whole: the smallest size of the send path and of the measured
    /// standbys, because each of these may become the send path at any moment. A standby counts at least as the base:
    /// an attacker who makes a standby worse than that must not affect the send path.
    pub(super) fn refit(&mut self) {
        let send = self.send;
        let of = |path: &Path| {
            let bytes = if Some(path.id) == send { path.mtu.packet_max() } else { path.mtu.packet_max_above_base() };
            PacketMax { bytes, settled: path.mtu.settled() }
        };
        let counts = |path: &&Path| Some(path.id) == send || (path.usable() && path.alive && path.mtu.measured());
        let smallest = self.paths.iter().filter(counts).map(of).min_by_key(|max| max.bytes);
        self.packet_max = smallest.unwrap_or(self.packet_max);
    }

    /// A size probe was too long for the link of this machine.
    pub(crate) fn too_big(&mut self, now: u64, cx: &mut Shared, path: PathId, message_len: usize) {
        if let Some(path) = self.path_mut(path) {
            path.mtu.too_big(message_len);
        }
        self.rearm(now, cx);
    }

    pub(super) fn next_sizes_at(&self, now: u64) -> Option<u64> {
        self.paths.iter().filter_map(|path| self.sizes_due_at(now, path)).min()
    }
}
