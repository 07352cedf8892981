//! The state that all sessions of one endpoint share: outgoing datagrams, reports, randomness, indices, timers,
//! budgets.

pub(crate) mod hold;
pub(crate) mod indices;
pub(crate) mod outbox;
pub(crate) mod recent;
pub(crate) mod reports;
pub(crate) mod timers;

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::crypto::keyfile::PublicKey;
use crate::crypto::rng::Rng;
use crate::crypto::token::TokenKey;
use crate::messages::{PathDescription, PathId, Report, SessionHandle, Transport};
use crate::shared::hold::Hold;
use crate::shared::indices::Indices;
use crate::shared::outbox::Outbox;
use crate::shared::recent::Rings;
use crate::shared::reports::Reports;
use crate::shared::timers::Timers;
use crate::vocabulary::blame::Dropped;
use crate::vocabulary::{Route, Shard};

/// Bytes per second of copies on standbys, over all sessions of a process. Many suspicions at the same time are a fault
/// of this host, not of the paths.
const COPIES_PER_S: u64 = 16 << 20;
/// Bytes per second of size probes, over all sessions of a process; beyond that no more searches begin. If many
/// sessions wake at the same time, each would send a flight of 15 kB. Until its search begins, a session uses the base
/// size.
const SIZES_PER_S: u64 = 16 << 20;
const SECOND_US: u64 = 1_000_000;

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) rng: Rng,
    pub(crate) tokens: TokenKey,
    /// The longest inner packet.
    pub(crate) tunnel_mtu: u16,
    pub(crate) outbox: Outbox,
    pub(crate) reports: Reports,
    pub(crate) indices: Indices,
    pub(crate) timers: Timers,
    /// Inner packets of sessions that have no path for them.
    pub(crate) hold: Hold,
    pub(crate) rings: Rings,
    /// End of the newest stall of this process: earlier silence proves nothing.
    pub(crate) stalled_at: u64,
    /// Sessions whose next statistics are due; each is listed only once.
    pub(crate) measured: Vec<SessionHandle>,
    /// Client: the paths that the core opened, with the core's description.
    pub(crate) described: HashMap<PathId, PathDescription>,
    /// Gateway: the client key that the handshake message under way has revealed.
    pub(crate) revealed: Option<PublicKey>,
    /// Budgets for copies of inner packets and for size probes.
    pub(crate) copies: Budget,
    pub(crate) sizes: Budget,
}

impl Shared {
    pub(crate) fn new(seed: [u8; 32], tunnel_mtu: u16, shard: Shard) -> Self {
        let mut rng = Rng::new(seed);
        Self {
            tokens: TokenKey::new(&mut rng),
            rng,
            tunnel_mtu,
            outbox: Outbox::default(),
            reports: Reports::default(),
            indices: Indices::new(shard),
            timers: Timers::default(),
            hold: Hold::new(shard),
            rings: Rings::new(shard),
            stalled_at: 0,
            measured: Vec::new(),
            described: HashMap::new(),
            revealed: None,
            copies: Budget::new(COPIES_PER_S, shard),
            sizes: Budget::new(SIZES_PER_S, shard),
        }
    }

    pub(crate) fn report(&mut self, now: u64, report: Report) {
        self.reports.report(now, report);
    }

    /// Describes a path on a route: a client uses the core's description, a gateway uses the addresses.
    pub(crate) fn describe(&self, path: PathId, route: Route) -> PathDescription {
        self.described.get(&path).cloned().unwrap_or_else(|| {
            let local = route.local.unwrap_or(match route.remote {
                SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
                SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
            });
            PathDescription { transport: Transport::Udp, local, remote: route.remote, interface: None }
        })
    }

    pub(crate) fn drop(&mut self, now: u64, kind: impl Into<Dropped>) {
        self.reports.count_drop(now, kind.into(), 1);
    }
}

/// A limit in bytes per second for one kind of traffic.
#[derive(Debug)]
pub(crate) struct Budget {
    per_s: u64,
    spent: u64,
    from: u64,
}

impl Budget {
    /// An endpoint's share of the budget of its process.
    fn new(per_s: u64, shard: Shard) -> Self {
        Self { per_s: per_s / u64::from(shard.of), spent: 0, from: 0 }
    }

    pub(crate) fn left(&mut self, now: u64) -> u64 {
        if now >= self.from + SECOND_US {
            (self.from, self.spent) = (now, 0);
        }
        self.per_s.saturating_sub(self.spent)
    }

    pub(crate) fn spend(&mut self, bytes: u64) {
        self.spent = self.spent.saturating_add(bytes);
    }
}
