//! Control datagrams on their way out: a bounded queue that refuses the newest when it is full.

use std::collections::VecDeque;

use crate::vocabulary::{Route, SizedFor, Transmit};

/// Datagrams of all sessions together that wait for the I/O loop; every retry logic above survives a refused one.
const CAPACITY: usize = 16_384;

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: VecDeque<Transmit>,
    /// Rises whenever the queue was drained: a burst of received messages between two drains is one round.
    round: u64,
}

impl Outbox {
    /// False if the queue is full: the datagram counts as lost.
    pub(crate) fn push(&mut self, route: Route, data: Vec<u8>) -> bool {
        self.put(Transmit { route, data, whole: None })
    }

    /// The same for a datagram that asks for its own size, which can wait: half of the room is for what cannot.
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
