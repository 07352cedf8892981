//! What all sessions of one endpoint share: the way out, the way up, randomness, indices, timers, budgets.

use crate::endpoint::Shard;
use crate::hold::Hold;
use crate::indices::Indices;
use crate::journal::Journal;
use crate::messages::{Report, SessionHandle};
use crate::outbox::Outbox;
use crate::recent::Rings;
use crate::rng::Rng;
use crate::timers::Timers;

/// Bytes of copies on standbys in one second, over all sessions of an endpoint: many suspicions at once are a fault of ours, not of the paths.
const COPIES_PER_S: u64 = 16 << 20;
const SECOND_US: u64 = 1_000_000;

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) rng: Rng,
    /// Inner packets are never longer.
    pub(crate) tunnel_mtu: u16,
    pub(crate) outbox: Outbox,
    pub(crate) journal: Journal,
    pub(crate) indices: Indices,
    pub(crate) timers: Timers,
    /// Inner packets of sessions that have no way for them.
    pub(crate) hold: Hold,
    pub(crate) rings: Rings,
    /// End of the newest stall of this process: silence before it says nothing.
    pub(crate) stalled_at: u64,
    /// Sessions whose next statistics are due; each is listed once.
    pub(crate) measured: Vec<SessionHandle>,
    copies: u64,
    copies_from: u64,
}

impl Shared {
    pub(crate) fn new(seed: [u8; 32], tunnel_mtu: u16, shard: Shard) -> Self {
        Self {
            rng: Rng::new(seed),
            tunnel_mtu,
            outbox: Outbox::default(),
            journal: Journal::default(),
            indices: Indices::new(shard),
            timers: Timers::default(),
            hold: Hold::new(shard),
            rings: Rings::default(),
            stalled_at: 0,
            measured: Vec::new(),
            copies: 0,
            copies_from: 0,
        }
    }

    pub(crate) fn report(&mut self, now: u64, report: Report) {
        self.journal.report(now, report);
    }

    pub(crate) fn drop(&mut self, now: u64, kind: &'static str) {
        self.journal.count_drop(now, kind, 1);
    }

    /// Bytes of copies that may still go out in this second.
    pub(crate) fn copies_left(&mut self, now: u64) -> u64 {
        if now >= self.copies_from + SECOND_US {
            self.copies_from = now;
            self.copies = 0;
        }
        COPIES_PER_S.saturating_sub(self.copies)
    }

    pub(crate) fn count_copies(&mut self, bytes: u64) {
        self.copies = self.copies.saturating_add(bytes);
    }
}
