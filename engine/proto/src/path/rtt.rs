//! Round-trip estimates of one path: SRTT and RTTVAR (RFC 6298), minimum, interarrival jitter (RFC 3550).

/// Retry interval before the first estimate, µs: longer than the round trip of most access networks, but short for a
/// waiting person.
pub const INITIAL_PTO_US: u64 = 200_000;
/// Minimum share of the deviation in a PTO, µs: shorter timers would fire because of scheduling noise.
const VARIANCE_MIN_US: u64 = 1_000;
/// Maximum sample, µs. A longer one comes from a broken clock or a replay of an idle phase, never from a path.
const SAMPLE_MAX_US: u64 = 60_000_000;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rtt {
    srtt_us: u64,
    rttvar_us: u64,
    min_us: u64,
    /// 16 × the jitter, so that the division of RFC 3550 loses no remainder.
    jitter_x16_us: u64,
    /// Transit time (arrival − sender's stamp) of the newest probe. The clocks need not agree, because only differences
    /// count.
    transit_us: Option<i64>,
    measured: bool,
}

impl Rtt {
    pub(crate) fn sample(&mut self, rtt_us: u64) {
        let rtt = rtt_us.clamp(1, SAMPLE_MAX_US);
        if self.measured {
            self.rttvar_us = (3 * self.rttvar_us + self.srtt_us.abs_diff(rtt)) / 4;
            self.srtt_us = (7 * self.srtt_us + rtt) / 8;
            self.min_us = self.min_us.min(rtt);
        } else {
            self.srtt_us = rtt;
            self.rttvar_us = rtt / 2;
            self.min_us = rtt;
            self.measured = true;
        }
    }

    /// Records a probe of the peer, stamped by its clock, that arrived at `now`.
    pub(crate) fn arrival(&mut self, now: u64, stamp_us: u64) {
        let transit = now.wrapping_sub(stamp_us).cast_signed();
        if let Some(previous) = self.transit_us.replace(transit) {
            let difference = transit.wrapping_sub(previous).unsigned_abs().min(SAMPLE_MAX_US);
            self.jitter_x16_us = self.jitter_x16_us + difference - (self.jitter_x16_us + 8) / 16;
        }
    }

    /// The path was gone for a while: packets that waited for it, in a queue or for an address of the next hop, arrive
    /// late. This says nothing about jitter.
    pub(crate) fn forget_jitter(&mut self) {
        self.transit_us = None;
        self.jitter_x16_us = 0;
    }

    /// The first estimate, from a message that may have been sent more than once: the time since its first send, so it
    /// may be too long but not too short. Later samples are exact and correct it.
    pub(crate) fn first_guess(&mut self, since_first_us: u64) {
        if !self.measured {
            self.sample(since_first_us);
        }
    }

    /// SRTT; without an estimate, the time after which an unanswered message is sent again.
    pub(crate) fn expected_us(&self) -> u64 {
        if self.measured { self.srtt_us } else { INITIAL_PTO_US }
    }

    pub(crate) fn measured(&self) -> bool {
        self.measured
    }

    pub(crate) fn srtt_us(&self) -> u64 {
        self.srtt_us
    }

    pub(crate) fn rttvar_us(&self) -> u64 {
        self.rttvar_us
    }

    pub(crate) fn min_us(&self) -> u64 {
        self.min_us
    }

    pub(crate) fn jitter_us(&self) -> u64 {
        self.jitter_x16_us / 16
    }

    /// Time after which an unanswered message is sent again: srtt + max(4·rttvar, 1 ms) + I, because a peer may delay
    /// an answer by one interval. Without an estimate: `INITIAL_PTO_US`.
    pub(crate) fn pto_us(&self, interval_us: u64) -> u64 {
        if self.measured {
            self.srtt_us + (4 * self.rttvar_us).max(VARIANCE_MIN_US) + interval_us
        } else {
            INITIAL_PTO_US
        }
    }
}

/// A duration in the form of the reports.
pub(crate) fn clamp_u32(us: u64) -> u32 {
    u32::try_from(us).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sample_is_the_estimate_and_half_of_it_the_deviation() {
        let mut rtt = Rtt::default();
        assert_eq!(rtt.pto_us(10_000), INITIAL_PTO_US);
        rtt.sample(20_000);
        assert_eq!((rtt.srtt_us(), rtt.rttvar_us(), rtt.min_us()), (20_000, 10_000, 20_000));
        assert_eq!(rtt.pto_us(10_000), 70_000);
    }

    #[test]
    fn a_steady_path_converges_and_one_spike_moves_it_by_an_eighth() {
        let mut rtt = Rtt::default();
        for _ in 0..100 {
            rtt.sample(20_000);
        }
        assert!(rtt.rttvar_us() < 10, "{rtt:?}");
        rtt.sample(100_000);
        assert_eq!(rtt.srtt_us(), 30_000);
        assert_eq!(rtt.min_us(), 20_000);
    }

    #[test]
    fn jitter_follows_rfc_3550_and_ignores_the_offset_of_the_clocks() {
        let mut rtt = Rtt::default();
        for n in 0..200_u64 {
            let late = if n % 2 == 0 { 0 } else { 4_000 };
            rtt.arrival(5_000_000 + n * 10_000 + late, 9_000_000_000 + n * 10_000);
        }
        assert!((3_900..=4_010).contains(&rtt.jitter_us()), "{}", rtt.jitter_us());
    }

    #[test]
    fn what_waited_for_the_return_of_a_path_is_no_jitter() {
        let mut rtt = Rtt::default();
        rtt.arrival(2_000_000, 1_000_000);
        rtt.arrival(2_000_100, 1_900_000);
        assert!(rtt.jitter_us() > 50_000);
        rtt.forget_jitter();
        rtt.arrival(3_010_000, 3_000_000);
        rtt.arrival(3_030_000, 3_020_000);
        assert_eq!(rtt.jitter_us(), 0);
    }
}
