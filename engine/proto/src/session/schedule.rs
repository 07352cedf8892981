//! When each path is probed: by traffic, by doubt, and to keep an idle session alive.

use super::Session;
use crate::messages::Role;
use crate::path::Path;

/// Probing interval of a standby while traffic flows, and of a silent path at any time, µs.
const STANDBY_US: u64 = 5_000_000;
/// Keepalives per probe of an idle standby: its address translation may expire meanwhile, and the first traffic probes
/// it anew.
const IDLE_STANDBY_KEEPALIVES: u64 = 5;
/// A gateway itself probes an idle path after this number of probes of its client are missing.
const MISSED_KEEPALIVES: u64 = 2;
/// Minimum probing interval on the send path for its statistics, while data alone shows that it is alive, µs.
const STATISTICS_US: u64 = 100_000;
/// Maximum number of probes in one PTO: half of those that may be outstanding; otherwise a long path would forget them
/// before they count.
const PROBES_PER_PTO: u64 = 32;

impl Session {
    /// Maximum interval between signs of life of a standby. After two of them without a sign, a SWITCH to it needs a
    /// validation first.
    pub(super) fn standby_interval_us(&self, now: u64) -> u64 {
        if self.probing_us > 0 {
            self.probing_us.max(self.interval_us())
        } else if self.liveness.carries_traffic(now) {
            STANDBY_US
        } else {
            self.idle_standby_us().max(STANDBY_US)
        }
    }

    fn idle_standby_us(&self) -> u64 {
        IDLE_STANDBY_KEEPALIVES * self.keepalive_us
    }

    /// Interval of the client's probes of a path while the session is idle.
    fn idle_interval_us(&self, path: &Path) -> u64 {
        if self.send == Some(path.id) { self.keepalive_us } else { self.idle_standby_us() }
    }

    /// Interval of the scheduled probes of a path; `None` = no probes.
    fn probe_interval_us(&self, now: u64, path: &Path) -> Option<u64> {
        if self.probing_us > 0 {
            return Some(self.probing_us);
        }
        let traffic = self.liveness.carries_traffic(now);
        // In an idle session only the client probes, to keep its address translations open.
        let idle_us = (self.role() == Role::Client).then(|| self.idle_interval_us(path));
        if self.send == Some(path.id) && path.alive {
            if traffic { Some(self.interval_us().max(STATISTICS_US)) } else { idle_us }
        } else if traffic || (!path.alive && self.role() == Role::Client) {
            Some(STANDBY_US)
        } else {
            idle_us
        }
    }

    pub(super) fn probe_due_at(&self, now: u64, path: &Path) -> Option<u64> {
        if !path.validated() || !self.is_active() {
            return None;
        }
        let last_at = path.probes.last_at;
        let scheduled = self.probe_interval_us(now, path).map(|interval| match path.heard_at {
            // Whatever was heard, such as a rekey, shows as well as an answer that the idle path lives.
            Some(heard_at) if self.is_idle(now) && path.alive => last_at.max(heard_at) + interval,
            _ => last_at + interval,
        });
        let missed = self.missed_at(now, path).map(|at| at.max(last_at + self.keepalive_us));
        let pto = path.rtt.pto_us(self.interval_us());
        let doubted = (path.alive && path.probes.in_doubt()).then_some(path.probes.last_at + pto);
        let active = self.send == Some(path.id) || (self.leaving() == Some(path.id) && path.usable());
        let emission = if self.in_tandem(now, path) {
            // The peer may already have the data from the other path: only probes count on both paths.
            Some(path.probes.last_at + self.interval_us().max(pto / PROBES_PER_PTO))
        } else {
            (active && self.liveness.carries_traffic(now)).then_some(path.sent_at + self.interval_us())
        };
        [scheduled, missed, doubted, emission].into_iter().flatten().min()
    }

    pub(super) fn is_idle(&self, now: u64) -> bool {
        self.probing_us == 0 && !self.liveness.carries_traffic(now)
    }

    /// Gateway: when so many probes of an idle path are missing that its client may be gone.
    fn missed_at(&self, now: u64, path: &Path) -> Option<u64> {
        let watches = self.role() == Role::Gateway && path.alive && self.is_idle(now);
        let heard_at = path.heard_at.filter(|_| watches)?;
        Some(heard_at + MISSED_KEEPALIVES * self.idle_interval_us(path))
    }
}
