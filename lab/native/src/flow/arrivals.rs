//! Evaluates a flow's arrivals: losses, order and especially gaps.
//!
//! ```text
//!   sent      | | | | | | | | | | | | | | | | |
//!   arrivals  | | | | |                 | | | |
//!                     └───── gap ───────┘
//!   windows   ──before──[──── asked for ────]──▶     a gap that ends or is open in the window belongs to it,
//!                                                     whole; one that ended earlier belongs to "before"
//! ```
//!
//! Gaps and order are evaluated by arrival time. Received, lost and duplicate packets are counted by *sending* time,
//! which lost packets have too (interpolated between their neighbours). So received + lost = sent in every window.

use crate::clock::BootUs;
use serde::Serialize;
use std::collections::VecDeque;

/// Maximum ranges of lost packets listed; further ranges are only counted.
const LOST_RANGES_MAX: usize = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    pub seq: u64,
    pub sent_us: BootUs,
    pub at_us: BootUs,
}

/// The end of a flow, as the sender reported it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    pub packets: u64,
    pub sent_us: BootUs,
}

/// The latest arrivals of one flow, in order of arrival. At most `capacity` are kept; older ones are dropped and
/// counted.
#[derive(Debug)]
pub struct Arrivals {
    ring: VecDeque<Arrival>,
    capacity: usize,
    forgotten: u64,
    ending: Option<Ending>,
}

/// The time window of a report, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub from_us: BootUs,
    pub to_us: BootUs,
}

impl Window {
    fn contains(self, at: BootUs) -> bool {
        at >= self.from_us && at <= self.to_us
    }
}

/// A period without arrivals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    pub us: u64,
    /// Time of the last arrival before it.
    pub start_us: BootUs,
    /// True if nothing has arrived since.
    pub open: bool,
}

/// Consecutive packets that never arrived, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LostRange {
    pub from_seq: u64,
    pub to_seq: u64,
    /// Approximate sending time of the first of them.
    pub sent_us: BootUs,
}

/// One-way delays in microseconds, exact; all zero if nothing was received.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Delays {
    pub min: u64,
    pub p50: u64,
    pub p90: u64,
    pub p99: u64,
    pub max: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub from_us: BootUs,
    pub to_us: BootUs,
    pub received: u64,
    pub lost: u64,
    pub lost_ranges: Vec<LostRange>,
    /// The total number of ranges; larger than the list if `lostRanges` was cut.
    pub lost_ranges_total: u64,
    pub duplicates: u64,
    pub reordered: u64,
    /// The longest gap that ended, or is open, in the window.
    pub gap: Gap,
    /// The longest gap that ended before the window.
    pub gap_before: Gap,
    pub delay_us: Delays,
    /// Arrivals dropped for lack of memory; a report whose window includes them is incomplete.
    pub forgotten: u64,
    /// First and last arrival in memory.
    pub first_us: Option<BootUs>,
    pub last_us: Option<BootUs>,
    /// The sender has reported the number of packets, so losses at the end are counted too.
    pub ended: bool,
}

impl Arrivals {
    pub fn new(capacity: usize) -> Self {
        Self {
            ring: VecDeque::new(),
            capacity: capacity.max(1),
            forgotten: 0,
            ending: None,
        }
    }

    pub fn record(&mut self, arrival: Arrival) {
        if self.ring.len() == self.capacity {
            self.ring.pop_front();
            self.forgotten += 1;
        }
        self.ring.push_back(arrival);
    }

    pub fn end(&mut self, ending: Ending) {
        self.ending.get_or_insert(ending);
    }

    /// Evaluates one window. `now` ends a gap that is still open.
    pub fn report(&self, window: Window, now: BootUs) -> Report {
        let sorted = self.by_sequence();
        let (gap, gap_before) = self.gaps(window, now);
        let mut delays: Vec<u64> = Vec::new();
        let mut duplicates = 0;
        for (arrival, first) in &sorted {
            match (window.contains(arrival.sent_us), first) {
                (true, true) => delays.push(arrival.at_us.saturating_sub(arrival.sent_us)),
                (true, false) => duplicates += 1,
                (false, _) => {}
            }
        }
        let (mut lost, mut lost_ranges, mut lost_ranges_total) = (0, Vec::new(), 0);
        for range in self
            .missing(&sorted)
            .filter_map(|missing| missing.within(window))
        {
            lost += range.to_seq - range.from_seq + 1;
            lost_ranges_total += 1;
            if lost_ranges.len() < LOST_RANGES_MAX {
                lost_ranges.push(range);
            }
        }
        Report {
            from_us: window.from_us,
            to_us: window.to_us.min(now),
            received: delays.len() as u64,
            lost,
            lost_ranges,
            lost_ranges_total,
            duplicates,
            reordered: self.reordered(&sorted, window),
            gap,
            gap_before,
            delay_us: Delays::of(delays),
            forgotten: self.forgotten,
            first_us: self.ring.front().map(|arrival| arrival.at_us),
            last_us: self.ring.back().map(|arrival| arrival.at_us),
            ended: self.ending.is_some(),
        }
    }

    /// All arrivals, sorted by sequence and then by arrival; the first of each sequence is marked.
    fn by_sequence(&self) -> Vec<(Arrival, bool)> {
        let mut sorted: Vec<(Arrival, bool)> =
            self.ring.iter().map(|&arrival| (arrival, true)).collect();
        sorted.sort_by_key(|(arrival, _)| arrival.seq);
        for at in 1..sorted.len() {
            sorted[at].1 = sorted[at].0.seq != sorted[at - 1].0.seq;
        }
        sorted
    }

    fn gaps(&self, window: Window, now: BootUs) -> (Gap, Gap) {
        let (mut inside, mut before) = (Gap::default(), Gap::default());
        let mut last = self.ring.front().map_or(now, |arrival| arrival.at_us);
        for at in self.ring.iter().map(|arrival| arrival.at_us) {
            let gap = Gap {
                us: at.saturating_sub(last),
                start_us: last,
                open: false,
            };
            if at <= window.from_us {
                before = before.longer(gap);
            } else if last <= window.to_us {
                inside = inside.longer(gap);
            }
            last = last.max(at);
        }
        // Silence after the flow's end is not a gap; before that, a gap extends to the time of the report.
        let silent_until = self
            .ending
            .map_or(now, |ending| ending.sent_us.max(last))
            .min(window.to_us.max(last));
        if !self.ring.is_empty() && last <= window.to_us && silent_until >= window.from_us {
            inside = inside.longer(Gap {
                us: silent_until - last,
                start_us: last,
                open: true,
            });
        }
        (inside, before)
    }

    fn reordered(&self, sorted: &[(Arrival, bool)], window: Window) -> u64 {
        // A duplicate is not a reordering: only the first arrival of each sequence counts.
        let is_first = |arrival: &Arrival| {
            let place = sorted.partition_point(|(other, _)| other.seq < arrival.seq);
            sorted
                .get(place)
                .is_some_and(|(first, _)| first.at_us == arrival.at_us)
        };
        let mut highest = None;
        let mut reordered = 0;
        for arrival in &self.ring {
            if highest.is_some_and(|highest| arrival.seq < highest) {
                reordered += u64::from(window.contains(arrival.at_us) && is_first(arrival));
            } else {
                highest = Some(arrival.seq);
            }
        }
        reordered
    }

    /// The holes between received sequences, and those before the first and after the last sequence if they are known.
    fn missing<'a>(&'a self, sorted: &'a [(Arrival, bool)]) -> impl Iterator<Item = Missing> + 'a {
        let period = period_us(sorted);
        let head = sorted
            .first()
            .filter(|(first, _)| self.forgotten == 0 && first.seq > 0)
            .map(|(first, _)| {
                let sent_us = |seq: u64| {
                    first
                        .sent_us
                        .saturating_sub(((first.seq - seq) as f64 * period) as u64)
                };
                Missing {
                    from_seq: 0,
                    to_seq: first.seq - 1,
                    from_us: sent_us(0),
                    period,
                }
            });
        let holes = sorted.windows(2).filter_map(|pair| {
            let (left, right) = (pair[0].0, pair[1].0);
            let steps = right.seq - left.seq;
            let period = right.sent_us.saturating_sub(left.sent_us) as f64 / steps.max(1) as f64;
            (steps > 1).then(|| Missing {
                from_seq: left.seq + 1,
                to_seq: right.seq - 1,
                from_us: left.sent_us + period as u64,
                period,
            })
        });
        let tail = sorted
            .last()
            .zip(self.ending)
            .and_then(|((last, _), ending)| {
                (ending.packets > last.seq + 1).then(|| Missing {
                    from_seq: last.seq + 1,
                    to_seq: ending.packets - 1,
                    from_us: last.sent_us + period as u64,
                    period,
                })
            });
        head.into_iter().chain(holes).chain(tail)
    }
}

/// A hole in the sequence. Its packets were sent from `from_us` on, one every `period` microseconds.
#[derive(Debug)]
struct Missing {
    from_seq: u64,
    to_seq: u64,
    from_us: BootUs,
    period: f64,
}

impl Missing {
    /// The part of the hole whose packets were sent in the window.
    fn within(&self, window: Window) -> Option<LostRange> {
        let sent_us = |seq: u64| self.from_us + ((seq - self.from_seq) as f64 * self.period) as u64;
        let first_from = |limit: BootUs| {
            // Sending times increase with the sequence: find the first packet at or after `limit`.
            let (mut low, mut high) = (self.from_seq, self.to_seq + 1);
            while low < high {
                let middle = low.midpoint(high);
                if sent_us(middle) < limit {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            low
        };
        let from_seq = first_from(window.from_us);
        let end = first_from(window.to_us.saturating_add(1));
        (from_seq < end).then(|| LostRange {
            from_seq,
            to_seq: end - 1,
            sent_us: sent_us(from_seq),
        })
    }
}

/// Mean time between packets in microseconds; 0 if fewer than two were received.
fn period_us(sorted: &[(Arrival, bool)]) -> f64 {
    match (sorted.first(), sorted.last()) {
        (Some((first, _)), Some((last, _))) if last.seq > first.seq => {
            last.sent_us.saturating_sub(first.sent_us) as f64 / (last.seq - first.seq) as f64
        }
        _ => 0.0,
    }
}

impl Gap {
    fn longer(self, other: Self) -> Self {
        if other.us > self.us { other } else { self }
    }
}

impl Delays {
    fn of(mut delays: Vec<u64>) -> Self {
        delays.sort_unstable();
        let at = |ratio: f64| {
            let rank = (delays.len() as f64 * ratio).ceil() as usize;
            delays.get(rank.saturating_sub(1)).copied().unwrap_or(0)
        };
        Self {
            min: at(0.0),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            max: at(1.0),
        }
    }
}

#[cfg(test)]
#[path = "arrivals_tests.rs"]
mod tests;
