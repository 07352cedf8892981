//! What the crowd answers, one JSON line each.

use serde::Serialize;

/// How long it took, µs.
#[derive(Debug, Serialize)]
pub struct Spread {
    pub p50: u64,
    pub p90: u64,
    pub p99: u64,
    pub max: u64,
}

impl Spread {
    pub fn of(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        let at = |percent: usize| {
            let place = (values.len() * percent).div_ceil(100).max(1);
            values.get(place - 1).copied().unwrap_or_default()
        };
        Self { p50: at(50), p90: at(90), p99: at(99), max: values.last().copied().unwrap_or_default() }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    pub ok: bool,
    pub op: &'static str,
    /// Clients that are attached now, of the whole crowd.
    pub attached: u64,
    /// Clients that were attached, or answered, by this, and those that should have been.
    pub done: u64,
    pub missing: u64,
    pub us: u64,
    /// From the beginning of each client (of a jump: of all) to its acknowledgement or answer.
    pub took_us: Spread,
    /// Datagrams that clients sent until they were attached, or as pings.
    pub datagrams: u64,
    /// Attempts that were begun anew because nobody answered.
    pub unanswered: u64,
    pub denied: u64,
    /// Datagrams that the kernel of this end refused.
    pub unsent: u64,
    /// Sessions that the gateway ended, since the start.
    pub ended: u64,
}

#[derive(Debug, Serialize)]
pub struct Refused {
    pub ok: bool,
    pub error: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_percentiles_are_values_that_occurred() {
        let Spread { p50, p90, p99, max } = Spread::of((1..=1_000).rev().collect());
        assert_eq!((p50, p90, p99, max), (500, 900, 990, 1_000));
        let Spread { p50, max, .. } = Spread::of(Vec::new());
        assert_eq!((p50, max), (0, 0));
    }
}
