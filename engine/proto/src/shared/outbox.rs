//! Control datagrams that wait to be sent: a bounded queue. When it is full, the newest datagram is refused.

use std::collections::VecDeque;

use crate::vocabulary::{Route, SizedFor, Transmit};

/// Maximum number of waiting datagrams, over all sessions. Every retry logic above survives a refusal.
const CAPACITY: usize = 16_384;

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: VecDeque<Transmit>,
    /// Raised each time the queue was drained: all messages received between two drains belong to one round.
    round: u64,
}

impl Outbox {
    /// False if the queue is full: the datagram counts as lost.
    pub(crate) fn push(&mut self, route: Route, data: Vec<u8>) -> bool {
        self.put(Transmit { route, data, whole: None })
    }

    /// The same for a size probe, which can wait: half of the queue is reserved for datagrams that cannot.
    pub(crate) fn push_whole(&mut self, route: Route, data: Vec<u8>, whole: SizedFor) -> bool {
        self.queue.len() < CAPACITY / 2 && self.put(Transmit { route, data, whole: Some(whole) })
    }

    fn put(&mut self, transmit: Transmit) -> bool {
        let fits = self.queue.len() < CAPACITY;
        if fits {
            self.queue.push_back(transmit);
        }
        fits
    }

    pub(crate) fn pop(&mut self) -> Option<Transmit> {
        let next = self.queue.pop_front();
        if next.is_none() {
            self.round += 1;
        }
        next
    }

    pub(crate) fn round(&self) -> u64 {
        self.round
    }
}
