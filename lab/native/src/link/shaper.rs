//! The bottleneck of a link: a rate or a recording, after a bounded drop-tail queue.

use super::trace::{Cursor, Trace};
use crate::clock::{MonoNs, NS_PER_SEC};
use std::collections::VecDeque;
use std::sync::Arc;

/// Minimum queue limit: otherwise a short `queueMs` on a slow link would pass no full frame at all.
const QUEUE_BYTES_MIN: u64 = 1514;
/// Maximum queue limit, in bytes.
pub const QUEUE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Maximum queue limit, in frames: small frames cost more memory than their bytes.
const QUEUE_FRAMES_MAX: usize = 262_144;

#[derive(Debug)]
enum Pace {
    Unlimited,
    Rate { bytes_per_sec: u64 },
    Recorded(Cursor),
}

/// Serves frames in order, and refuses frames that find the queue full.
#[derive(Debug)]
pub struct Shaper {
    pace: Pace,
    queue_bytes_max: u64,
    /// Frames that are not completely sent yet: the time when they will be, and their length.
    queue: VecDeque<(MonoNs, u32)>,
    queue_bytes: u64,
    free_at: MonoNs,
}

impl Shaper {
    pub fn unlimited() -> Self {
        Self::with(Pace::Unlimited, QUEUE_BYTES_MAX)
    }

    pub fn rate(bytes_per_sec: u64, queue_bytes_max: u64) -> Self {
        Self::with(
            Pace::Rate {
                bytes_per_sec: bytes_per_sec.max(1),
            },
            queue_bytes_max,
        )
    }

    pub fn recorded(trace: Arc<Trace>, started: MonoNs, queue_bytes_max: u64) -> Self {
        Self::with(Pace::Recorded(Cursor::new(trace, started)), queue_bytes_max)
    }

    fn with(pace: Pace, queue_bytes_max: u64) -> Self {
        Self {
            pace,
            queue_bytes_max: queue_bytes_max.clamp(QUEUE_BYTES_MIN, QUEUE_BYTES_MAX),
            queue: VecDeque::new(),
            queue_bytes: 0,
            free_at: 0,
        }
    }

    /// When the last bit of this frame leaves the bottleneck; `None` if the queue has no room for it.
    pub fn serve(&mut self, now: MonoNs, len: u32) -> Option<MonoNs> {
        if matches!(self.pace, Pace::Unlimited) {
            return Some(now);
        }
        self.drain(now);
        if self.queue_bytes + u64::from(len) > self.queue_bytes_max
            || self.queue.len() >= QUEUE_FRAMES_MAX
        {
            return None;
        }
        let sent = match &mut self.pace {
            Pace::Unlimited => now,
            Pace::Rate { bytes_per_sec } => {
                self.free_at.max(now) + u64::from(len) * NS_PER_SEC / *bytes_per_sec
            }
            Pace::Recorded(cursor) => cursor.carry(now, len),
        };
        self.free_at = sent;
        self.queue.push_back((sent, len));
        self.queue_bytes += u64::from(len);
        Some(sent)
    }

    /// Bytes that wait or are being sent.
    pub fn queued_bytes(&mut self, now: MonoNs) -> u64 {
        self.drain(now);
        self.queue_bytes
    }

    /// Empties the queue and releases its opportunities; the caller discards the frames themselves.
    pub fn clear(&mut self, now: MonoNs) {
        self.queue.clear();
        self.queue_bytes = 0;
        self.free_at = 0;
        if let Pace::Recorded(cursor) = &mut self.pace {
            cursor.seek(now);
        }
    }

    fn drain(&mut self, now: MonoNs) {
        while let Some(&(sent, len)) = self.queue.front()
            && sent <= now
        {
            self.queue.pop_front();
            self.queue_bytes -= u64::from(len);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::NS_PER_MS;

    #[test]
    fn frames_leave_one_after_the_other_at_the_rate() {
        let mut shaper = Shaper::rate(125_000, QUEUE_BYTES_MAX); // 1 Mbit/s: 1250 bytes take 10 ms
        let sent: Vec<_> = (0..3).map(|_| shaper.serve(0, 1250)).collect();
        assert_eq!(
            sent,
            [
                Some(10 * NS_PER_MS),
                Some(20 * NS_PER_MS),
                Some(30 * NS_PER_MS)
            ]
        );
        assert_eq!(shaper.queued_bytes(15 * NS_PER_MS), 2500);
        assert_eq!(
            shaper.serve(50 * NS_PER_MS, 1250),
            Some(60 * NS_PER_MS),
            "an idle link saves nothing up"
        );
    }

    #[test]
    fn the_queue_drops_at_its_tail_and_takes_again_when_drained() {
        let mut shaper = Shaper::rate(125_000, 2500);
        assert!(shaper.serve(0, 1250).is_some());
        assert!(shaper.serve(0, 1250).is_some());
        assert_eq!(shaper.serve(0, 1250), None);
        assert_eq!(shaper.serve(10 * NS_PER_MS, 1250), Some(30 * NS_PER_MS));
    }

    #[test]
    fn offered_twice_the_rate_half_is_carried() {
        let mut shaper = Shaper::rate(1_250_000, 12_500); // 10 Mbit/s, 10 ms of queue
        let carried = (0..10_000_u64)
            .filter(|i| shaper.serve(i * NS_PER_MS / 2, 1250).is_some())
            .count();
        assert!((5000..=5011).contains(&carried), "{carried}");
    }

    #[test]
    fn an_unlimited_link_adds_no_time() {
        assert_eq!(Shaper::unlimited().serve(5, 65_535), Some(5));
    }
}
