//! Recorded links in Mahimahi's format.
//!
//! ```text
//!   trace    | 0 1 1       4       9 |          one line = one opportunity to send up to 1500 bytes, in ms
//!   link     ─┴─┴┴┴───────┴─────────┴┴─┴┴┴──▶   the last line's time is the length of a lap; then the trace repeats
//!                   └─ gap: nothing passes, frames wait
//! ```

use crate::clock::{MonoNs, NS_PER_MS};
use std::sync::Arc;

/// Layer 3 bytes that one opportunity carries.
pub const OPPORTUNITY_BYTES: u32 = 1500;
/// Maximum length of a recording: 8 million opportunities are hours of a fast link.
const OPPORTUNITIES_MAX: usize = 8_000_000;

/// One recording. It is never empty, times never decrease, and a lap lasts at least 1 ms.
#[derive(Debug, PartialEq, Eq)]
pub struct Trace {
    at_ms: Vec<u32>,
    lap_ms: u64,
}

impl Trace {
    /// Refuses text that is not a rising list of whole milliseconds; the error contains the line number.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut at_ms: Vec<u32> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() {
                continue;
            }
            let at: u32 = line.parse().map_err(|_| {
                format!("line {number}: \"{line}\" is not a whole number of milliseconds")
            })?;
            if at_ms.last().is_some_and(|&before| at < before) {
                return Err(format!(
                    "line {number}: {at} ms is less than in the line before"
                ));
            }
            if at_ms.len() == OPPORTUNITIES_MAX {
                return Err(format!(
                    "line {number}: more than {OPPORTUNITIES_MAX} lines"
                ));
            }
            at_ms.push(at);
        }
        match at_ms.last() {
            Some(&lap) if lap > 0 => Ok(Self {
                lap_ms: u64::from(lap),
                at_ms,
            }),
            _ => Err("the trace must last at least 1 ms".into()),
        }
    }

    /// Mean rate over a lap, in bytes per second.
    pub fn mean_bytes_per_sec(&self) -> u64 {
        self.at_ms.len() as u64 * u64::from(OPPORTUNITY_BYTES) * 1000 / self.lap_ms
    }
}

/// A position in a recording that advances in real time, from the moment at which the recording was set.
#[derive(Debug)]
pub struct Cursor {
    trace: Arc<Trace>,
    started: MonoNs,
    lap: u64,
    index: usize,
    /// Bytes that the current opportunity can still carry.
    left: u32,
}

impl Cursor {
    pub fn new(trace: Arc<Trace>, started: MonoNs) -> Self {
        Self {
            trace,
            started,
            lap: 0,
            index: 0,
            left: OPPORTUNITY_BYTES,
        }
    }

    /// Uses as many opportunities as `len` bytes need, none of them before `now`, and returns when the last byte is
    /// sent. The rest of an opportunity serves the next frame, if that frame comes before the opportunity has passed.
    pub fn carry(&mut self, now: MonoNs, len: u32) -> MonoNs {
        if self.at() < now {
            self.seek(now);
        }
        let mut to_send = len;
        loop {
            let taken = to_send.min(self.left);
            to_send -= taken;
            self.left -= taken;
            let sent = self.at();
            if self.left == 0 {
                self.advance();
            }
            if to_send == 0 {
                return sent;
            }
        }
    }

    fn at(&self) -> MonoNs {
        let ms = self.lap * self.trace.lap_ms + u64::from(self.trace.at_ms[self.index]);
        self.started + ms * NS_PER_MS
    }

    fn advance(&mut self) {
        self.left = OPPORTUNITY_BYTES;
        self.index += 1;
        if self.index == self.trace.at_ms.len() {
            self.index = 0;
            self.lap += 1;
        }
    }

    /// Moves to the first opportunity at or after `now`; unused opportunities before that are lost.
    pub fn seek(&mut self, now: MonoNs) {
        let elapsed_ms = now.saturating_sub(self.started).div_ceil(NS_PER_MS);
        // A lap contains the times after its start up to and including its end, which is the time of its last line.
        self.lap = elapsed_ms.saturating_sub(1) / self.trace.lap_ms;
        let within = elapsed_ms - self.lap * self.trace.lap_ms;
        self.index = self
            .trace
            .at_ms
            .partition_point(|&at| u64::from(at) < within);
        self.left = OPPORTUNITY_BYTES;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: MonoNs = 1_000 * NS_PER_MS;

    fn cursor(text: &str) -> Cursor {
        Cursor::new(Arc::new(Trace::parse(text).expect("valid")), START)
    }

    fn ms(at: MonoNs) -> u64 {
        (at - START) / NS_PER_MS
    }

    #[test]
    fn what_is_not_a_rising_list_of_milliseconds_is_refused_with_its_line() {
        for (text, says) in [
            ("1\nx\n", "line 2"),
            ("5\n4\n", "line 2"),
            ("", "1 ms"),
            ("0\n0\n", "1 ms"),
            ("-1\n", "line 1"),
        ] {
            let error = Trace::parse(text).expect_err(text);
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn repeated_lines_are_several_packets_in_one_millisecond() {
        let mut cursor = cursor("1\n1\n3\n10\n");
        let sent: Vec<u64> = (0..4).map(|_| ms(cursor.carry(START, 1500))).collect();
        assert_eq!(sent, [1, 1, 3, 10]);
    }

    #[test]
    fn a_gap_carries_nothing() {
        let mut cursor = cursor("1\n500\n");
        assert_eq!(ms(cursor.carry(START + 2 * NS_PER_MS, 100)), 500);
    }

    #[test]
    fn at_its_end_the_trace_starts_again_for_ever() {
        let mut cursor = cursor("2\n5\n");
        let sent: Vec<u64> = (0..5).map(|_| ms(cursor.carry(START, 1500))).collect();
        assert_eq!(sent, [2, 5, 7, 10, 12]);
        assert_eq!(
            ms(cursor.carry(START + 1_000_001 * NS_PER_MS, 1500)),
            1_000_002
        );
        assert_eq!(
            ms(cursor.carry(START + 1_000_005 * NS_PER_MS, 1500)),
            1_000_005
        );
    }

    #[test]
    fn small_frames_share_an_opportunity_and_large_ones_span_several() {
        let mut cursor = cursor("1\n2\n3\n9\n");
        assert_eq!(ms(cursor.carry(START, 1000)), 1);
        assert_eq!(ms(cursor.carry(START, 500)), 1);
        assert_eq!(ms(cursor.carry(START, 1501)), 3);
        assert_eq!(ms(cursor.carry(START, 1499)), 3);
        assert_eq!(ms(cursor.carry(START, 1)), 9);
    }

    #[test]
    fn an_opportunity_that_passed_unused_is_lost() {
        let mut cursor = cursor("1\n2\n3\n");
        assert_eq!(ms(cursor.carry(START, 100)), 1);
        assert_eq!(ms(cursor.carry(START + 2 * NS_PER_MS + 1, 100)), 3);
    }
}
