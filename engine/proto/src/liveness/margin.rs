//! How late an arrival may be before it is suspicious, learnt from recent arrivals.

/// Buckets of an eighth of the interval up to twice the interval, and one for everything above.
const BUCKETS: usize = 17;
const BUCKETS_PER_INTERVAL: u64 = 8;
/// After this number of samples the weight of all is halved: with one sample per interval of 10 ms, after ten seconds.
const SAMPLES_MAX: u32 = 1_024;
/// A false suspicion doubles the margin, at most twice: from its minimum to its maximum.
const DOUBLINGS_MAX: u8 = 2;
/// Time after which one doubling is undone, µs.
const DOUBLING_DECAY_US: u64 = 10_000_000;

/// Recent 99th percentile of the arrival delay beyond the interval, limited to I/2 … 2·I. At most one sample per
/// interval counts, its largest gap: otherwise, in a dense flow, thousands of punctual arrivals would hide every late
/// one.
#[derive(Debug)]
pub(crate) struct Margin {
    interval_us: u64,
    buckets: [u16; BUCKETS],
    samples: u32,
    window_from: u64,
    window_gap_us: u64,
    doublings: u8,
    doubled_at: u64,
}

impl Margin {
    pub(crate) fn new(interval_us: u64) -> Self {
        Self {
            interval_us,
            buckets: [0; BUCKETS],
            samples: 0,
            window_from: 0,
            window_gap_us: 0,
            doublings: 0,
            doubled_at: 0,
        }
    }

    /// Records an arrival, `gap_us` after the previous one.
    pub(crate) fn arrival(&mut self, now: u64, gap_us: u64) {
        self.window_gap_us = self.window_gap_us.max(gap_us);
        if now < self.window_from + self.interval_us {
            return;
        }
        let excess = self.window_gap_us.saturating_sub(self.interval_us);
        let bucket = (excess * BUCKETS_PER_INTERVAL / self.interval_us.max(1)).min(BUCKETS as u64 - 1) as usize;
        self.buckets[bucket] += 1;
        self.samples += 1;
        self.window_from = now;
        self.window_gap_us = 0;
        if self.samples >= SAMPLES_MAX {
            self.buckets.iter_mut().for_each(|count| *count /= 2);
            self.samples = self.buckets.iter().map(|count| u32::from(*count)).sum();
        }
    }

    pub(crate) fn false_suspicion(&mut self, now: u64) {
        self.doublings = (self.doublings_left(now) + 1).min(DOUBLINGS_MAX);
        self.doubled_at = now;
    }

    pub(crate) fn current_us(&self, now: u64) -> u64 {
        let (least, most) = (self.interval_us / 2, 2 * self.interval_us);
        (self.percentile_us().clamp(least, most) << self.doublings_left(now)).min(most)
    }

    fn doublings_left(&self, now: u64) -> u8 {
        let decayed = now.saturating_sub(self.doubled_at) / DOUBLING_DECAY_US;
        self.doublings.saturating_sub(u8::try_from(decayed).unwrap_or(u8::MAX))
    }

    /// Upper edge of the lowest bucket with at most 1 % of the samples above it.
    fn percentile_us(&self) -> u64 {
        let mut above = 0;
        for (bucket, count) in self.buckets.iter().enumerate().rev() {
            above += u32::from(*count);
            if above * 100 > self.samples {
                return (bucket as u64 + 1) * self.interval_us / BUCKETS_PER_INTERVAL;
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const I: u64 = 10_000;

    #[test]
    fn punctual_arrivals_give_the_floor_and_late_ones_raise_it_to_their_percentile() {
        let mut margin = Margin::new(I);
        assert_eq!(margin.current_us(0), I / 2);
        let mut now = 0;
        for n in 0..900_u64 {
            let gap = if n % 50 == 0 { 22_000 } else { I };
            now += gap;
            margin.arrival(now, gap);
        }
        assert_eq!(margin.current_us(now), 12_500);
        for _ in 0..100_000 {
            now += I;
            margin.arrival(now, I);
        }
        assert_eq!(margin.current_us(now), I / 2);
    }

    #[test]
    fn a_dense_flow_does_not_drown_its_gaps() {
        let mut margin = Margin::new(I);
        let mut now = 0;
        for _ in 0..500 {
            for _ in 0..100 {
                now += 100;
                margin.arrival(now, 100);
            }
            now += 30_000;
            margin.arrival(now, 30_000);
        }
        assert_eq!(margin.current_us(now), 2 * I);
    }

    #[test]
    fn a_false_suspicion_doubles_the_margin_up_to_the_ceiling_and_fades() {
        let mut margin = Margin::new(I);
        for expected in [I, 2 * I, 2 * I] {
            margin.false_suspicion(1_000);
            assert_eq!(margin.current_us(1_000), expected);
        }
        assert_eq!(margin.current_us(1_000 + DOUBLING_DECAY_US), I);
        assert_eq!(margin.current_us(1_000 + 2 * DOUBLING_DECAY_US), I / 2);
    }
}
