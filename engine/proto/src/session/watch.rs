//! Probes of all paths, their answers, and the liveness of the send path.

use super::Session;
use super::arrival::Arrival;
use super::faults::Trouble;
use super::traffic::COPIES_PER_SUSPICION;
use crate::frames::{Frame, Probe, ProbeReply};
use crate::liveness::{Finding, TIMEOUT_MIN_US};
use crate::messages::{PathId, Report, Role, SilenceEvidence};
use crate::path::Path;
use crate::path::probes::BadReply;
use crate::path::rtt::clamp_u32;
use crate::shared::Shared;
use crate::vocabulary::blame::{DropKind, PeerFault};

/// Findings of one judgement: a suspicion, then a probing round.
const FINDINGS_MAX: usize = 4;
/// Maximum deafness that is believed, µs: if the peer had been deaf for longer, it would have reported it earlier.
const DEAF_AGE_MAX_US: u64 = 2_000_000;
/// Minimum probing interval that the core can order, µs.
const PROBING_MIN_US: u64 = 5_000;

impl Session {
    /// `SetProbing`: probes all paths at this interval, with or without traffic; 0 = traffic decides.
    pub(crate) fn set_probing(&mut self, now: u64, cx: &mut Shared, interval_us: u64) {
        self.probing_us = if interval_us == 0 { 0 } else { interval_us.max(PROBING_MIN_US) };
        if self.probing_us > 0 {
            self.measure(cx);
        }
        self.rearm(now, cx);
    }

    /// `SetPathDead`: only probes are sent on a dead path; an answer to one of them is reported.
    pub(crate) fn set_path_dead(&mut self, now: u64, cx: &mut Shared, id: PathId, dead: bool) {
        let Some(path) = self.path_mut(id) else { return };
        path.dead = dead;
        if dead {
            (path.alive, path.suspected) = (false, false);
            if self.send == Some(id) {
                self.doubt_began(now, cx, self.liveness.silence(now));
                self.send = None;
                self.liveness.give_up(now);
            }
        } else {
            self.elect_companion();
            self.release_held(now, cx);
        }
        self.rearm(now, cx);
    }

    /// An idle session has no other statistics than those of the probes that keep it alive.
    fn measure_idle(&mut self, now: u64, cx: &mut Shared) {
        if self.is_idle(now) {
            self.measure(cx);
        }
    }

    pub(super) fn watch_on_time(&mut self, now: u64, cx: &mut Shared) {
        self.elect_companion();
        self.judge_send_path(now, cx);
        for at in 0..self.paths.len() {
            let pto = self.paths[at].rtt.pto_us(self.interval_us());
            // A probe that is overdue makes the next one due.
            self.paths[at].probes.expire(now, pto, cx.stalled_at);
            if self.probe_due_at(now, &self.paths[at]).is_some_and(|due| due <= now) {
                self.send_probe(now, cx, at);
            }
            self.judge_by_probes(now, cx, at, pto);
        }
    }

    fn judge_send_path(&mut self, now: u64, cx: &mut Shared) {
        for _ in 0..FINDINGS_MAX {
            let Some(watched) = self.liveness.watched() else { return };
            let rtt = self.path(watched).map(|path| path.rtt).unwrap_or_default();
            let Some(finding) = self.liveness.poll(now, &rtt) else { return };
            self.on_finding(now, cx, watched, finding);
        }
    }

    fn on_finding(&mut self, now: u64, cx: &mut Shared, path: PathId, finding: Finding) {
        let session = self.handle;
        match finding {
            Finding::Suspected { silent_us, limit_us } => {
                self.doubt_began(now, cx, silent_us);
                self.copies_left = COPIES_PER_SUSPICION;
                if let Some(path) = self.path_mut(path) {
                    path.suspected = true;
                }
                let (silent_us, limit_us) = (clamp_u32(silent_us), clamp_u32(limit_us));
                cx.report(now, Report::PathSuspected { session, path, silent_us, limit_us });
            }
            Finding::ProbeAll => {
                for at in 0..self.paths.len() {
                    let candidate = &self.paths[at];
                    if candidate.usable() || candidate.id == path {
                        self.send_probe(now, cx, at);
                    }
                }
            }
            Finding::Silent { silent_us, limit_us, evidence } => {
                self.report_silent(now, cx, path, silent_us, limit_us, evidence);
            }
        }
    }

    /// Three probes in a row, over at least a second, are unanswered: this ends a standby, or an idle send path. A
    /// client needs both directions, so only answers count. On a gateway, a path on which the client is heard is not
    /// silent.
    fn judge_by_probes(&mut self, now: u64, cx: &mut Shared, at: usize, pto_us: u64) {
        let limit_us = (3 * pto_us).max(TIMEOUT_MIN_US);
        let Some(since) = self.silent_since(at).filter(|_| self.paths[at].alive) else { return };
        if self.paths[at].probes.silent_since().is_none() {
            return;
        }
        let (id, silent_us) = (self.paths[at].id, now.saturating_sub(since));
        if silent_us >= limit_us {
            self.report_silent(now, cx, id, silent_us, limit_us, SilenceEvidence::Timeout);
        } else if self.is_outlived(now, at, pto_us) {
            self.report_silent(now, cx, id, silent_us, silent_us, SilenceEvidence::StandbyAnswered);
        }
    }

    /// Since when the peer has not answered on a path, judged by its probes. On a gateway, any message of the client
    /// counts as an answer.
    pub(super) fn silent_since(&self, at: usize) -> Option<u64> {
        let path = &self.paths[at];
        let unanswered_since = path.probes.unanswered_since()?;
        Some(match self.role() {
            Role::Client => unanswered_since,
            Role::Gateway => unanswered_since.max(path.heard_at.unwrap_or(0)),
        })
    }

    fn report_silent(
        &mut self,
        now: u64,
        cx: &mut Shared,
        id: PathId,
        silent: u64,
        limit: u64,
        evidence: SilenceEvidence,
    ) {
        if let Some(path) = self.path_mut(id) {
            (path.alive, path.suspected) = (false, false);
        }
        let (silent_us, limit_us) = (clamp_u32(silent), clamp_u32(limit));
        cx.report(now, Report::PathSilent { session: self.handle, path: id, silent_us, limit_us, evidence });
    }

    /// The watched path is not suspected any more.
    pub(super) fn report_cleared(&mut self, cx: &mut Shared, now: u64, path: PathId, silent_us: u64) {
        self.end_suspicion(cx, now, path, silent_us);
        self.doubt_ended(now, cx, silent_us);
    }

    /// Reports the end of a suspicion that was reported to the core, even if the path is not watched any more.
    pub(super) fn end_suspicion(&mut self, cx: &mut Shared, now: u64, id: PathId, silent_us: u64) {
        let Some(path) = self.path_mut(id).filter(|path| path.suspected) else { return };
        path.suspected = false;
        cx.report(now, Report::PathCleared { session: self.handle, path: id, silent_us: clamp_u32(silent_us) });
    }

    /// For probes: the path on which this end should receive but does not, and for how long.
    pub(super) fn deafness(&self, now: u64) -> (PathId, u32) {
        self.liveness.deaf_on(now).map_or((0, 0), |(path, silent_us)| (path, clamp_u32(silent_us / 1_000)))
    }

    fn send_probe(&mut self, now: u64, cx: &mut Shared, at: usize) {
        let (deaf_on, age_ms) = self.deafness(now);
        let seq = self.probe_numbers.take();
        let path = &mut self.paths[at];
        let id = path.id;
        path.probes.issue(seq, now);
        let probe = Probe {
            path: id,
            seq,
            t_us: now,
            tx_packets: path.traffic.tx_packets,
            tx_bytes: path.traffic.tx_bytes,
            deaf_on,
            age_ms,
        };
        // Set even if nothing can be sent: missed probes are not made up for.
        path.sent_at = now;
        self.send_frames(now, cx, id, &[Frame::Probe(probe)]);
    }

    /// `padded`: the probe is a size probe.
    pub(super) fn on_probe(
        &mut self,
        cx: &mut Shared,
        arrival: Arrival,
        padded: bool,
        probe: &Probe,
    ) -> Result<(), Trouble> {
        let now = arrival.now;
        let at = self.named_or_moved(cx, arrival, probe.path)?;
        let path = &mut self.paths[at];
        if !padded {
            path.rtt.arrival(now, probe.t_us);
        }
        path.probes.heard(probe, path.traffic.rx_packets);
        let reply = ProbeReply {
            path: probe.path,
            seq: probe.seq,
            t_echo_us: probe.t_us,
            hold_us: 0,
            rx_packets: path.traffic.rx_packets,
            rx_bytes: path.traffic.rx_bytes,
            tx_seen: probe.tx_packets,
            jitter_us: clamp_u32(path.rtt.jitter_us()),
        };
        // A burst of probes costs one answer, but each size probe is answered.
        if !padded && path.replied_round.replace(cx.outbox.round()) == Some(cx.outbox.round()) {
            cx.drop(now, DropKind::ProbeFlood);
        } else {
            self.send_frames(now, cx, probe.path, &[Frame::ProbeReply(reply)]);
        }
        self.on_deafness(now, cx, probe);
        self.greet_returned(now, cx, at);
        self.measure_idle(now, cx);
        Ok(())
    }

    /// A path that was silent carries probes of the peer again: it is probed at once, so that it can soon be used
    /// again.
    fn greet_returned(&mut self, now: u64, cx: &mut Shared, at: usize) {
        let interval = self.interval_us();
        let path = &self.paths[at];
        if self.is_redundant() && !path.alive && now >= path.probes.last_at + interval {
            self.send_probe(now, cx, at);
        }
    }

    /// The peer reports whether it receives. A gateway only sends its copies to a path where it does; a client judges
    /// the path.
    fn on_deafness(&mut self, now: u64, cx: &mut Shared, probe: &Probe) {
        let deaf_on = (probe.deaf_on != 0).then_some(probe.deaf_on);
        let began = deaf_on.is_some() && deaf_on == self.send && !self.liveness.peer_is_deaf(now);
        let deaf_for_us = self.liveness.peer_deaf_for_us(now);
        let finding = self.liveness.peer_hears(now, deaf_on);
        if let Some(deaf_for_us) = deaf_for_us.filter(|_| !self.liveness.in_doubt(now)) {
            self.doubt_ended(now, cx, deaf_for_us);
        }
        if began {
            self.copies_left = COPIES_PER_SUSPICION;
            self.doubt_began(now, cx, (u64::from(probe.age_ms) * 1_000).min(DEAF_AGE_MAX_US));
            // An address translator may have given the path a new address: a probe shows this to the gateway at once.
            if let Some(at) = self.send.and_then(|id| self.at(id)).filter(|_| self.role() == Role::Client) {
                self.send_probe(now, cx, at);
            }
        }
        if deaf_on.is_some() && self.send != Some(probe.path) {
            self.copies_to = Some(probe.path);
        }
        if let Some((finding, send)) = finding.zip(self.send).filter(|_| self.role() == Role::Client) {
            self.on_finding(now, cx, send, finding);
        }
    }

    pub(super) fn on_probe_reply(
        &mut self,
        cx: &mut Shared,
        arrival: Arrival,
        reply: &ProbeReply,
    ) -> Result<(), Trouble> {
        let now = arrival.now;
        let at = self.named(cx, arrival, reply.path)?;
        let path = &mut self.paths[at];
        if path.mtu.answered(reply.seq, reply.t_echo_us) {
            return Ok(());
        }
        let (up_sent, up_received) = (path.probes.up_sent, path.probes.up_received);
        let numbers = &self.probe_numbers;
        let answer = path.probes.answer(now, reply, numbers).map_err(|bad| match bad {
            BadReply::Stale => Trouble::Unattributable(DropKind::StaleReply),
            BadReply::NeverIssued => Trouble::Attributable(PeerFault::EchoNeverIssued),
        })?;
        path.rtt.sample(answer.rtt_us);
        let sent = path.probes.up_sent.saturating_sub(up_sent);
        path.mtu.losses(sent.saturating_sub(path.probes.up_received.saturating_sub(up_received)), sent);
        // In redundant mode a path is probed at every I, so after a stall of the peer many answers are late. Their
        // delay says nothing about the travel time.
        let travelled_us = if self.tandem.is_some() { path.rtt.min_us() } else { path.rtt.srtt_us() };
        let revived = !std::mem::replace(&mut path.alive, true);
        if revived {
            path.rtt.forget_jitter();
            path.mtu.doubt();
            cx.report(
                now,
                Report::PathAlive { session: self.handle, path: reply.path, rtt_us: clamp_u32(answer.rtt_us) },
            );
        }
        self.outlive(now, reply.path, answer.sent_at);
        if self.send != Some(reply.path) {
            self.liveness.standby_answered(now, answer.sent_at, travelled_us);
        }
        self.measure(cx);
        Ok(())
    }

    /// This process did not run for a while: silence in that time proves nothing.
    pub(crate) fn stalled(&mut self, now: u64, cx: &mut Shared, stalled_us: u64) {
        if let Some((path, silent_us)) = self.liveness.watched().zip(self.liveness.stalled(now, stalled_us)) {
            self.report_cleared(cx, now, path, silent_us);
        }
        self.rearm(now, cx);
    }

    pub(super) fn next_watch_at(&self, now: u64, stalled_at: u64) -> Option<u64> {
        let rtt = self.liveness.watched().and_then(|id| self.path(id)).map(|path| path.rtt).unwrap_or_default();
        let verdict = self.liveness.next_deadline(now, &rtt);
        let of_path = |path: &Path| {
            let overdue = path.probes.next_overdue(path.rtt.pto_us(self.interval_us()), stalled_at);
            [self.probe_due_at(now, path), overdue].into_iter().flatten().min()
        };
        self.paths.iter().filter_map(of_path).chain(verdict).min()
    }
}
