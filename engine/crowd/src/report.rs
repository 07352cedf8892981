//! The crowd's answers, one JSON line each.

use serde::Serialize;

/// Percentiles of durations, µs.
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
    /// Clients of the whole crowd that are attached now.
    pub attached: u64,
    /// Clients that this task attached, or that got an answer, and clients that are missing.
    pub done: u64,
    pub missing: u64,
    pub us: u64,
    /// Time from each client's start (for a jump: from the common start) to its acknowledgement or answer.
    pub took_us: Spread,
    /// Datagrams that clients sent until they were attached, or pings that they sent.
    pub datagrams: u64,
    /// Activations that were repeated because no answer came.
    pub unanswered: u64,
    pub denied: u64,
    /// Datagrams that the local kernel refused.
    pub unsent: u64,
    /// Sessions that the gateway has ended since the program started.
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
