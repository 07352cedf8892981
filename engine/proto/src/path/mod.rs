//! One path of a session: its route, what was proved about the route, and measurements.

mod allowance;
pub(crate) mod path_mtu;
pub(crate) mod probes;
pub(crate) mod rebinding;
mod retry;
pub(crate) mod rtt;

use crate::frames::{AttachKind, Transport};
use crate::messages::{PathId, PathStats, SessionHandle};
use crate::path::allowance::Allowance;
use crate::path::path_mtu::PathMtu;
use crate::path::probes::Probes;
use crate::path::rebinding::NewAddresses;
use crate::path::rtt::{Rtt, clamp_u32};
use crate::shared::Shared;
use crate::vocabulary::Route;

pub(crate) use retry::{Retry, SENDS_MAX};

/// Maximum number of paths of one session, validated or not. Source: the attack list, A25.
pub const PATHS_MAX: usize = 8;
/// Time for a validation if there is no estimate of the round trip, µs.
const VALIDATION_UNMEASURED_US: u64 = 3_000_000;
/// A challenge that this end has sent on the path and that is not answered yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Challenge {
    pub(crate) token: [u8; 16],
    pub(crate) retry: Retry,
    /// After this time it counts as unanswered.
    pub(crate) until: u64,
}

/// The client's ATTACH of kind 0 that is not acknowledged yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Candidacy {
    pub(crate) challenge: [u8; 16],
    pub(crate) retry: Retry,
    pub(crate) until: u64,
}

#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Traffic {
    pub(crate) tx_packets: u64,
    pub(crate) tx_bytes: u64,
    pub(crate) rx_packets: u64,
    pub(crate) rx_bytes: u64,
}

/// Whether the peer is known to receive at a path's route.
#[derive(Debug, Clone, Copy)]
enum Reach {
    /// This end chose it; no answer has come from it yet.
    Chosen,
    /// The peer named it but has not proved that it receives there: the number of bytes sent is limited.
    Claimed(Allowance),
    Validated,
}

#[derive(Debug)]
pub(crate) struct Path {
    pub(crate) id: PathId,
    pub(crate) route: Route,
    /// Index on which this end receives on the path.
    pub(crate) rx_index: u32,
    /// Index under which the peer receives on the path; 0 = unknown yet, the session index is used.
    pub(crate) tx_index: u32,
    reach: Reach,
    /// The core's verdict.
    pub(crate) dead: bool,
    /// False after the path was silent: then the next answer to a probe is reported.
    pub(crate) alive: bool,
    /// A suspicion was reported to the core, but not its end yet.
    pub(crate) suspected: bool,
    pub(crate) rtt: Rtt,
    pub(crate) probes: Probes,
    pub(crate) mtu: PathMtu,
    pub(crate) traffic: Traffic,
    pub(crate) heard_at: Option<u64>,
    pub(crate) sent_at: u64,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) candidacy: Option<Candidacy>,
    /// Gateway: an ATTACH of this kind waits for the validation of the path; the answer echoes its challenge.
    pub(crate) asked: Option<(AttachKind, [u8; 16])>,
    /// Round of the outbox in which a PATH_CHALLENGE was last answered: one pending answer per path.
    pub(crate) answered_round: Option<u64>,
    /// The same for a PROBE.
    pub(crate) replied_round: Option<u64>,
    /// Epoch and counter of the newest authentic message from the path's own route, or from a new route that is
    /// examined.
    pub(crate) newest: (u32, u64),
    /// Gateway: possible new addresses of the client.
    pub(crate) new_addresses: NewAddresses,
}

impl Path {
    pub(crate) fn new(id: PathId, route: Route, rx_index: u32, claimed: bool, tunnel_mtu: u16) -> Self {
        Self {
            id,
            route,
            rx_index,
            tx_index: 0,
            reach: if claimed { Reach::Claimed(Allowance::default()) } else { Reach::Chosen },
            dead: false,
            alive: true,
            suspected: false,
            rtt: Rtt::default(),
            probes: Probes::default(),
            mtu: PathMtu::new(route.remote.is_ipv6(), tunnel_mtu),
            traffic: Traffic::default(),
            heard_at: None,
            sent_at: 0,
            challenge: None,
            candidacy: None,
            asked: None,
            answered_round: None,
            replied_round: None,
            newest: (0, 0),
            new_addresses: NewAddresses::default(),
        }
    }

    /// True if the peer has proved that it receives on the route.
    pub(crate) fn validated(&self) -> bool {
        matches!(self.reach, Reach::Validated)
    }

    /// The peer has proved that it receives on the route. Returns true the first time.
    pub(crate) fn validate(&mut self) -> bool {
        !matches!(std::mem::replace(&mut self.reach, Reach::Validated), Reach::Validated)
    }

    /// True if the path may be used for sending as a standby.
    pub(crate) fn usable(&self) -> bool {
        self.validated() && !self.dead
    }

    /// Time from the first send until a validation counts as failed: 3·PTO, 3 s without an estimate.
    pub(crate) fn validation_us(&self, interval_us: u64) -> u64 {
        if self.rtt.measured() { 3 * self.rtt.pto_us(interval_us) } else { VALIDATION_UNMEASURED_US }
    }

    /// An authentic, first-arrived message came from the path's own route.
    pub(crate) fn heard(&mut self, now: u64) {
        self.heard_at = Some(self.heard_at.map_or(now, |at| at.max(now)));
    }

    /// Adds authenticated bytes from an unvalidated route to its budget.
    pub(crate) fn credit_budget(&mut self, bytes: usize) {
        if let Reach::Claimed(allowance) = &mut self.reach {
            allowance.received(bytes);
        }
    }

    /// Bytes that may still be sent to the route; `None` = no limit.
    pub(crate) fn budget(&self) -> Option<u64> {
        if let Reach::Claimed(allowance) = &self.reach { Some(allowance.left()) } else { None }
    }

    pub(crate) fn permits(&self, bytes: usize) -> bool {
        self.budget().is_none_or(|budget| bytes as u64 <= budget)
    }

    pub(crate) fn count_sent(&mut self, now: u64, packets: u64, bytes: u64) {
        self.traffic.tx_packets += packets;
        self.traffic.tx_bytes += bytes;
        self.sent_at = self.sent_at.max(now);
        if let Reach::Claimed(allowance) = &mut self.reach {
            allowance.sent(bytes);
        }
    }

    /// While it is unknown which address the peer has, every message is sent to each.
    pub(crate) fn copy_to_new_address(&mut self, cx: &mut Shared, sealed: &[u8]) {
        let bytes = sealed.len() as u64;
        for candidate in self.new_addresses.candidates() {
            if bytes <= candidate.budget() && cx.outbox.push(candidate.route, sealed.to_vec()) {
                candidate.sent(bytes);
            }
        }
    }

    /// The path counts as not answering if `tolerated` probes in a row are overdue.
    pub(crate) fn stats(&self, session: SessionHandle, now: u64, tolerated: u32) -> PathStats {
        let heard_ms_ago = self.heard_at.map_or(u64::from(u32::MAX), |at| now.saturating_sub(at) / 1_000);
        PathStats {
            session,
            path: self.id,
            srtt_us: clamp_u32(self.rtt.srtt_us()),
            rttvar_us: clamp_u32(self.rtt.rttvar_us()),
            min_rtt_us: clamp_u32(self.rtt.min_us()),
            jitter_us: clamp_u32(self.rtt.jitter_us()),
            probes_sent: self.probes.sent,
            probes_answered: self.probes.answered,
            probes_lost: self.probes.lost,
            answering: self.probes.answering(tolerated),
            up_sent: self.probes.up_sent,
            up_received: self.probes.up_received,
            down_sent: self.probes.down_sent,
            down_received: self.probes.down_received,
            rx_bytes: self.traffic.rx_bytes,
            tx_bytes: self.traffic.tx_bytes,
            heard_ms_ago: clamp_u32(heard_ms_ago),
        }
    }

    /// The transport that every ATTACH of this end names.
    pub(crate) const TRANSPORT: Transport = Transport::Udp;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path() -> Path {
        let route = Route { socket: 0, local: None, remote: ([192, 0, 2, 1], 4774).into() };
        Path::new(1, route, 5, true, 1_380)
    }

    #[test]
    fn a23_an_unvalidated_route_gets_three_times_what_came_from_it() {
        let mut path = path();
        assert!(!path.permits(1));
        path.credit_budget(100);
        assert!(path.permits(300) && !path.permits(301));
        path.count_sent(0, 1, 250);
        assert_eq!(path.budget(), Some(50));
        assert!(path.validate() && !path.validate());
        assert_eq!(path.budget(), None);
    }
}
