//! Percentiles of microseconds in fixed memory.

use serde::Serialize;

/// Buckets per power of two: a percentile is at most 1/16 above the true value.
const FINE_BITS: u32 = 4;
const FINE: usize = 1 << FINE_BITS;
const BUCKETS: usize = (64 - FINE_BITS as usize + 1) * FINE;

/// Counts values in buckets whose width grows with the value; below 16 µs each microsecond has its own bucket.
#[derive(Debug)]
pub struct Histogram {
    counts: Box<[u64; BUCKETS]>,
    total: u64,
    max: u64,
}

/// Percentiles of the recorded values in microseconds; all zero if there are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Percentiles {
    pub p50: u64,
    pub p99: u64,
    pub max: u64,
    pub count: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: Box::new([0; BUCKETS]),
            total: 0,
            max: 0,
        }
    }
}

impl Histogram {
    pub fn record(&mut self, us: u64) {
        self.counts[bucket(us)] += 1;
        self.total += 1;
        self.max = self.max.max(us);
    }

    pub fn percentiles(&self) -> Percentiles {
        Percentiles {
            p50: self.at(0.5),
            p99: self.at(0.99),
            max: self.max,
            count: self.total,
        }
    }

    fn at(&self, ratio: f64) -> u64 {
        let wanted = (self.total as f64 * ratio).ceil() as u64;
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted && seen > 0 {
                return upper(index).min(self.max);
            }
        }
        0
    }
}

fn bucket(us: u64) -> usize {
    if us < FINE as u64 {
        return us as usize;
    }
    let power = us.ilog2() - FINE_BITS;
    (power as usize + 1) * FINE + ((us >> power) as usize - FINE)
}

/// The largest value of a bucket.
fn upper(index: usize) -> u64 {
    if index < FINE {
        return index as u64;
    }
    let power = index / FINE - 1;
    let above = u128::from((FINE + index % FINE) as u64 + 1) << power;
    u64::try_from(above - 1).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket_and_close_below_its_upper_end() {
        for us in (0..2000).chain([1 << 20, 123_456_789, u64::MAX / 2, u64::MAX]) {
            let above = upper(bucket(us));
            assert!(
                above >= us && (above - us) as f64 <= us as f64 / 16.0,
                "{us}: {above}"
            );
        }
    }

    #[test]
    fn percentiles_are_those_of_the_values() {
        let mut histogram = Histogram::default();
        assert_eq!(
            histogram.percentiles(),
            Percentiles {
                p50: 0,
                p99: 0,
                max: 0,
                count: 0
            }
        );
        (1..=1000).for_each(|us| histogram.record(us));
        let Percentiles {
            p50,
            p99,
            max,
            count,
        } = histogram.percentiles();
        assert!(
            (500..=531).contains(&p50) && (990..=1000).contains(&p99),
            "{p50} {p99}"
        );
        assert_eq!((max, count), (1000, 1000));
    }
}
