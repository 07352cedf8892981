//! Periods without progress in a transfer.

use crate::clock::BootUs;
use serde::Serialize;

/// Shorter pauses are normal for a transfer and not a stall.
pub const STALL_US_MIN: u64 = 50_000;
/// Maximum stalls listed; further ones are only counted.
const LISTED_MAX: usize = 64;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stall {
    pub us: u64,
    /// Time of the last progress before it.
    pub start_us: BootUs,
}

/// All pauses of one transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stalls {
    /// The longest pause, of any length.
    longest: Stall,
    /// The first 64 pauses of at least 50 ms.
    listed: Vec<Stall>,
    total: u64,
    #[serde(rename = "lastProgressUs")]
    last: BootUs,
}

impl Stalls {
    pub fn new(start: BootUs) -> Self {
        Self {
            longest: Stall::default(),
            listed: Vec::new(),
            total: 0,
            last: start,
        }
    }

    /// Records progress at `now`.
    pub fn progress(&mut self, now: BootUs) {
        let stall = Stall {
            us: now.saturating_sub(self.last),
            start_us: self.last,
        };
        self.last = now.max(self.last);
        if stall.us > self.longest.us {
            self.longest = stall;
        }
        if stall.us >= STALL_US_MIN {
            self.total += 1;
            if self.listed.len() < LISTED_MAX {
                self.listed.push(stall);
            }
        }
    }

    /// The stalls at `now`, including one that is still open.
    pub fn as_of(&self, now: BootUs) -> Self {
        let mut stalls = self.clone();
        stalls.progress(now);
        stalls.last = self.last;
        stalls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_pause_and_those_that_matter_are_kept() {
        let mut stalls = Stalls::new(1000);
        for at in [1500, 11_500, 91_500, 91_600] {
            stalls.progress(at);
        }
        let stall = Stall {
            us: 80_000,
            start_us: 11_500,
        };
        assert_eq!(
            stalls,
            Stalls {
                longest: stall,
                listed: vec![stall],
                total: 1,
                last: 91_600
            }
        );
    }

    #[test]
    fn a_stall_that_lasts_is_seen_before_it_ends() {
        let stalls = Stalls::new(0);
        let lasting = stalls.as_of(5_000_000);
        assert_eq!(
            (lasting.longest.us, lasting.total, lasting.last),
            (5_000_000, 1, 0)
        );
        assert_eq!(stalls.total, 0);
    }

    #[test]
    fn the_list_is_bounded() {
        let mut stalls = Stalls::new(0);
        (1..=200).for_each(|i| stalls.progress(i * STALL_US_MIN));
        assert_eq!((stalls.listed.len(), stalls.total), (LISTED_MAX, 200));
    }
}
