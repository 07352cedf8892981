//! Is the send path still heard? Driven by traffic: an idle session expects nothing and sends nothing.
//!
//! ```text
//!  inner packet                       last arrival            2·I + margin        3·I + margin
//!      │ first expectation: SRTT later     │                       │                   │
//!  ────┴───────────────────────────────────┴───────────────────────┴───────────────────┴──────►
//!        quiet: within I + margin                  (late)           suspected            silent, if a standby answered
//!                                                                   probes: path, standbys
//! ```
//!
//! If a gateway stalls, it is silent on all paths at once. So a verdict needs an answer of a standby, and after that a
//! delay in which an answer on the suspected path, sent at the same time, would have arrived.
//! Source: docs/spec/wire.md, "Liveness".

mod margin;

use crate::messages::{PathId, SilenceEvidence};
use crate::path::rtt::Rtt;
pub(crate) use margin::Margin;

/// How long each end continues to send after the last inner packet, µs.
pub(crate) const EMIT_AFTER_TRAFFIC_US: u64 = 2_000_000;
/// How long each end expects to receive after the last inner packet, µs. It is shorter, so that an end never expects
/// what the other no longer sends.
pub(crate) const EXPECT_AFTER_TRAFFIC_US: u64 = 1_000_000;
const _: () = assert!(EXPECT_AFTER_TRAFFIC_US < EMIT_AFTER_TRAFFIC_US);
/// Minimum silence that counts as death without an answer of a standby, µs.
pub(crate) const TIMEOUT_MIN_US: u64 = 1_000_000;
/// How long after the verdict probes with `deaf on` are sent at every I, so that the peer learns of it too, µs.
const TELL_PEER_US: u64 = 1_000_000;
/// Maximum time for which copies are sent on a standby, µs.
pub(crate) const COPY_MAX_US: u64 = 200_000;

/// A standby's answer to a probe that was sent after the suspicion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct StandbyAnswer {
    at: u64,
    srtt_us: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    None,
    Suspected {
        since: u64,
        next_probe_at: u64,
        standby: Option<StandbyAnswer>,
    },
    /// `given_up`: the core gave the path up; messages that arrive on it do not change that.
    Silent {
        since: u64,
        next_probe_at: u64,
        given_up: bool,
    },
}

/// The peer reports that it does not receive on our send path (`deaf on`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PeerDeaf {
    since: u64,
    last: u64,
    reported: bool,
}

/// A result of `poll`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finding {
    /// Report the suspicion; then probe.
    Suspected {
        silent_us: u64,
        limit_us: u64,
    },
    /// Probe this path and all standbys, with `deaf on`.
    ProbeAll,
    Silent {
        silent_us: u64,
        limit_us: u64,
        evidence: SilenceEvidence,
    },
}

#[derive(Debug)]
pub(crate) struct Liveness {
    interval_us: u64,
    margin: Margin,
    path: Option<PathId>,
    traffic_at: Option<u64>,
    heard_at: u64,
    /// Silence counts from this time at the earliest: the first expectation after an idle phase, a change of path, or a
    /// stall of this process.
    floor: u64,
    doubt: Doubt,
    peer_deaf: Option<PeerDeaf>,
}

impl Liveness {
    /// `interval_us` is the negotiated I.
    pub(crate) fn new(interval_us: u64) -> Self {
        Self {
            interval_us,
            margin: Margin::new(interval_us),
            path: None,
            traffic_at: None,
            heard_at: 0,
            floor: 0,
            doubt: Doubt::None,
            peer_deaf: None,
        }
    }

    pub(crate) fn interval_us(&self) -> u64 {
        self.interval_us
    }

    /// Watches another path from now on; the first arrival is expected after a round trip.
    pub(crate) fn watch(&mut self, now: u64, path: Option<PathId>, srtt_us: u64) {
        if self.path != path || self.given_up() {
            self.path = path;
            self.doubt = Doubt::None;
            self.peer_deaf = None;
            self.heard_at = 0;
            self.floor = now + srtt_us;
        }
    }

    pub(crate) fn watched(&self) -> Option<PathId> {
        self.path
    }

    /// The core gave the watched path up: the peer is informed that it is not heard there, as after a verdict of this
    /// end. If the peer continues to send there, it did not learn of it: another call informs it again.
    pub(crate) fn give_up(&mut self, now: u64) {
        let next_probe_at = match self.doubt {
            Doubt::Silent { next_probe_at, .. } => next_probe_at.max(now),
            Doubt::None | Doubt::Suspected { .. } => now,
        };
        self.doubt = Doubt::Silent { since: now, next_probe_at, given_up: true };
    }

    /// The watched path is suspected or silent, or the peer reports that it receives nothing on it.
    pub(crate) fn in_doubt(&self, now: u64) -> bool {
        self.doubt != Doubt::None || self.peer_deaf.is_some_and(|deaf| now < deaf.last + 2 * self.interval_us)
    }

    fn given_up(&self) -> bool {
        matches!(self.doubt, Doubt::Silent { given_up: true, .. })
    }

    /// An inner packet was sent or received. True if the session was idle before: then its timers must be set.
    pub(crate) fn traffic(&mut self, now: u64, srtt_us: u64) -> bool {
        let idle = !self.within(now, EXPECT_AFTER_TRAFFIC_US);
        if idle {
            self.floor = self.floor.max(now + srtt_us);
        }
        self.traffic_at = Some(self.traffic_at.unwrap_or(0).max(now));
        idle
    }

    pub(crate) fn carries_traffic(&self, now: u64) -> bool {
        self.within(now, EMIT_AFTER_TRAFFIC_US)
    }

    pub(crate) fn emits_until(&self) -> Option<u64> {
        self.traffic_at.map(|at| at + EMIT_AFTER_TRAFFIC_US)
    }

    fn within(&self, now: u64, span_us: u64) -> bool {
        self.traffic_at.is_some_and(|at| now < at + span_us)
    }

    /// A first-arrived message came on the watched path. If the path was suspected, returns how long it was silent.
    pub(crate) fn heard(&mut self, now: u64) -> Option<u64> {
        let from = self.heard_at.max(self.floor);
        if self.within(now, EXPECT_AFTER_TRAFFIC_US) && self.heard_at >= self.floor {
            self.margin.arrival(now, now.saturating_sub(from));
        }
        self.heard_at = self.heard_at.max(now);
        match std::mem::replace(&mut self.doubt, Doubt::None) {
            Doubt::None | Doubt::Silent { .. } => None,
            Doubt::Suspected { .. } => {
                self.margin.false_suspicion(now);
                Some(now.saturating_sub(from))
            }
        }
    }

    /// This process did not run for `stalled_us`. Silence in that time proves nothing, so the clocks are moved by that
    /// time. They are not reset: on a busy machine that would delay every verdict. If this ends a suspicion, returns
    /// its silence.
    pub(crate) fn stalled(&mut self, now: u64, stalled_us: u64) -> Option<u64> {
        self.peer_deaf = None;
        let silent_us = self.silence(now);
        self.floor = (self.heard_at.max(self.floor) + stalled_us).min(now.max(self.floor));
        let Doubt::Suspected { since, .. } = &mut self.doubt else { return None };
        *since = (*since + stalled_us).min(now);
        if self.silence(now) >= self.suspicion_limit(now) {
            return None;
        }
        self.doubt = Doubt::None;
        Some(silent_us)
    }

    /// Expects nothing for `span_us`, if this is the watched path.
    pub(crate) fn expect_on(&mut self, path: PathId, now: u64, span_us: u64) {
        if self.path == Some(path) {
            self.floor = self.floor.max(now + span_us);
        }
    }

    /// A standby answered a probe that left at `sent_at`.
    pub(crate) fn standby_answered(&mut self, now: u64, sent_at: u64, srtt_us: u64) {
        if let Doubt::Suspected { since, standby: standby @ None, .. } = &mut self.doubt
            && sent_at >= *since
        {
            *standby = Some(StandbyAnswer { at: now, srtt_us });
        }
    }

    /// A probe of the peer arrived, with its `deaf on`. The result is for a client; it comes once per period of
    /// deafness.
    pub(crate) fn peer_hears(&mut self, now: u64, deaf_on: Option<PathId>) -> Option<Finding> {
        if deaf_on.is_none() || deaf_on != self.path {
            self.peer_deaf = None;
            return None;
        }
        let limit_us = 3 * self.interval_us;
        let gap_max_us = limit_us + self.margin.current_us(now);
        let before = self.peer_deaf.filter(|deaf| now.saturating_sub(deaf.last) <= gap_max_us);
        let PeerDeaf { since, reported, .. } = before.unwrap_or(PeerDeaf { since: now, last: now, reported: false });
        let silent_us = now.saturating_sub(since);
        let verdict = silent_us >= limit_us && !reported;
        self.peer_deaf = Some(PeerDeaf { since, last: now, reported: reported || verdict });
        verdict.then_some(Finding::Silent { silent_us, limit_us, evidence: SilenceEvidence::PeerDeaf })
    }

    /// The peer reported recently that it does not receive on our send path.
    pub(crate) fn peer_is_deaf(&self, now: u64) -> bool {
        self.peer_deaf.is_some_and(|deaf| now < deaf.last + 2 * self.interval_us && now < deaf.since + COPY_MAX_US)
    }

    /// For how long the peer has received nothing on our send path, by its newest report.
    pub(crate) fn peer_deaf_for_us(&self, now: u64) -> Option<u64> {
        self.peer_deaf.map(|deaf| now.saturating_sub(deaf.since))
    }

    /// True for a bounded time after the suspicion: copies are sent on a standby.
    pub(crate) fn copies_wanted(&self, now: u64) -> bool {
        matches!(self.doubt, Doubt::Suspected { since, .. } if now < since + COPY_MAX_US)
    }

    /// The path on which this end should receive but does not, and the silence: `deaf on` of every probe.
    pub(crate) fn deaf_on(&self, now: u64) -> Option<(PathId, u64)> {
        match self.doubt {
            Doubt::None => None,
            Doubt::Suspected { .. } | Doubt::Silent { .. } => self.path.map(|path| (path, self.silence(now))),
        }
    }

    pub(crate) fn silence(&self, now: u64) -> u64 {
        now.saturating_sub(self.heard_at.max(self.floor))
    }

    fn suspicion_limit(&self, now: u64) -> u64 {
        2 * self.interval_us + self.margin.current_us(now)
    }

    /// Time at which the path becomes suspected, if nothing arrives until then.
    fn suspicion_at(&self, now: u64) -> Option<u64> {
        let at = self.heard_at.max(self.floor) + self.suspicion_limit(now);
        let expected_until = self.traffic_at? + EXPECT_AFTER_TRAFFIC_US;
        (at < expected_until).then_some(at)
    }

    /// The next time at which `poll` may find something.
    pub(crate) fn next_deadline(&self, now: u64, rtt: &Rtt) -> Option<u64> {
        self.path?;
        match self.doubt {
            Doubt::None => self.suspicion_at(now),
            Doubt::Suspected { next_probe_at, .. } => Some(next_probe_at.min(self.verdict(now, rtt).at)),
            Doubt::Silent { since, next_probe_at, .. } => {
                (next_probe_at < since + TELL_PEER_US).then_some(next_probe_at)
            }
        }
    }

    /// Judges the state at `now`; call again until it finds nothing.
    pub(crate) fn poll(&mut self, now: u64, rtt: &Rtt) -> Option<Finding> {
        self.path?;
        let silent_us = self.silence(now);
        match self.doubt {
            Doubt::None => {
                self.suspicion_at(now).filter(|at| *at <= now)?;
                self.doubt = Doubt::Suspected { since: now, next_probe_at: now, standby: None };
                Some(Finding::Suspected { silent_us, limit_us: self.suspicion_limit(now) })
            }
            Doubt::Suspected { since, next_probe_at, standby } => {
                let Verdict { at, limit_us, evidence } = self.verdict(now, rtt);
                if at <= now {
                    self.doubt = Doubt::Silent { since: now, next_probe_at: now, given_up: false };
                    return Some(Finding::Silent { silent_us, limit_us, evidence });
                }
                if next_probe_at > now {
                    return None;
                }
                self.doubt = Doubt::Suspected { since, next_probe_at: now + self.interval_us, standby };
                Some(Finding::ProbeAll)
            }
            Doubt::Silent { since, next_probe_at, given_up } => {
                if next_probe_at > now || next_probe_at >= since + TELL_PEER_US {
                    return None;
                }
                self.doubt = Doubt::Silent { since, next_probe_at: now + self.interval_us, given_up };
                Some(Finding::ProbeAll)
            }
        }
    }

    /// When a suspicion becomes death, as far as this is known at `now`.
    fn verdict(&self, now: u64, rtt: &Rtt) -> Verdict {
        let heard = self.heard_at.max(self.floor);
        let interval = self.interval_us;
        let timeout_us = (3 * rtt.pto_us(interval)).max(TIMEOUT_MIN_US);
        let timeout = Verdict { at: heard + timeout_us, limit_us: timeout_us, evidence: SilenceEvidence::Timeout };
        let Doubt::Suspected { since, standby: Some(standby), .. } = self.doubt else { return timeout };
        let limit_us = 3 * interval + self.margin.current_us(now);
        let chance_us = 2 * rtt.rttvar_us() + interval;
        let own_probe_at = since + rtt.srtt_us() + chance_us;
        let with_standby_at = standby.at + rtt.srtt_us().saturating_sub(standby.srtt_us) / 2 + chance_us;
        let at = (heard + limit_us).max(own_probe_at).max(with_standby_at);
        Verdict { at, limit_us, evidence: SilenceEvidence::StandbyAnswered }
    }
}

struct Verdict {
    at: u64,
    limit_us: u64,
    evidence: SilenceEvidence,
}
