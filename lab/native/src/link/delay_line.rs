//! Frames in transit, in order of delivery.

use crate::clock::MonoNs;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Memory per frame in addition to its bytes: its heap entry and the allocator's overhead.
const FRAME_OVERHEAD_BYTES: u64 = 64;

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Held {
    at: MonoNs,
    /// Breaks ties in the order of entry.
    entry: u64,
    frame: Box<[u8]>,
}

/// Holds frames until they are due, within a memory limit.
#[derive(Debug)]
pub struct DelayLine {
    held: BinaryHeap<Reverse<Held>>,
    entries: u64,
    bytes: u64,
    bytes_max: u64,
}

impl DelayLine {
    pub fn new(bytes_max: u64) -> Self {
        Self {
            held: BinaryHeap::new(),
            entries: 0,
            bytes: 0,
            bytes_max,
        }
    }

    /// Returns `false`, and refuses the frame, if it would exceed the memory limit.
    pub fn hold(&mut self, at: MonoNs, frame: &[u8]) -> bool {
        let cost = frame.len() as u64 + FRAME_OVERHEAD_BYTES;
        if self.bytes + cost > self.bytes_max {
            return false;
        }
        self.bytes += cost;
        self.entries += 1;
        self.held.push(Reverse(Held {
            at,
            entry: self.entries,
            frame: frame.into(),
        }));
        true
    }

    /// When the next frame is due.
    pub fn next_at(&self) -> Option<MonoNs> {
        self.held.peek().map(|Reverse(held)| held.at)
    }

    /// The next frame that is due at `now`, and its due time.
    pub fn due(&mut self, now: MonoNs) -> Option<(MonoNs, Box<[u8]>)> {
        if self.next_at()? > now {
            return None;
        }
        let Reverse(Held { at, frame, .. }) = self.held.pop()?;
        self.bytes -= frame.len() as u64 + FRAME_OVERHEAD_BYTES;
        Some((at, frame))
    }

    /// Drops all frames and returns their number.
    pub fn discard(&mut self) -> u64 {
        let frames = self.held.len() as u64;
        self.held.clear();
        self.bytes = 0;
        frames
    }

    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    pub fn frames(&self) -> u64 {
        self.held.len() as u64
    }

    /// Memory in use, in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_when_due_and_ties_in_order_of_entry() {
        let mut line = DelayLine::new(10_000);
        for (at, byte) in [(20, 1), (10, 2), (20, 3)] {
            assert!(line.hold(at, &[byte]));
        }
        assert_eq!((line.next_at(), line.due(9)), (Some(10), None));
        let out: Vec<u8> = std::iter::from_fn(|| line.due(20))
            .map(|(_, frame)| frame[0])
            .collect();
        assert_eq!(out, [2, 1, 3]);
        assert!(line.is_empty() && line.bytes() == 0);
    }

    #[test]
    fn memory_is_bounded_and_given_back() {
        let mut line = DelayLine::new(3 * (100 + FRAME_OVERHEAD_BYTES));
        let held = (0..5).filter(|_| line.hold(1, &[0; 100])).count();
        assert_eq!(held, 3);
        assert_eq!(line.discard(), 3);
        assert!(line.hold(1, &[0; 100]));
    }
}
