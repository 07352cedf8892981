//! HINT: a gateway reports that it does not know an index, at a limited rate. A HINT proves nothing and is shorter than
//! the message that it answers.
//!
//! Forged DATA with sources everywhere must not use up the HINTs of honest clients after a restart. So the whole rate
//! is spread over time: whoever asks again and again gets one by chance, however many others ask.

use std::net::IpAddr;

use super::reception::{Buckets, Of};

/// HINTs per second in total, and how many at once.
const PER_S: u64 = 2_000;
const BURST: u64 = 20;
/// HINTs per second to one host.
const PER_HOST_S: u64 = 1;
const INTERVAL_US: u64 = 1_000_000 / PER_S;

#[derive(Debug)]
pub(crate) struct Hints {
    hosts: Buckets,
    /// The time at which all HINTs of a burst are available again.
    full_at: u64,
}

impl Default for Hints {
    fn default() -> Self {
        Self { hosts: Buckets::new(Of::Host, PER_HOST_S, 1), full_at: 0 }
    }
}

impl Hints {
    pub(crate) fn admits(&mut self, now: u64, to: IpAddr) -> bool {
        let full_at = self.full_at.max(now);
        if full_at - now > (BURST - 1) * INTERVAL_US || !self.hosts.admits(now, to) {
            return false;
        }
        self.full_at = full_at + INTERVAL_US;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(n: u32) -> IpAddr {
        IpAddr::from(n.to_be_bytes())
    }

    #[test]
    fn a_second_sees_at_most_two_thousand_hints_and_one_per_host() {
        let mut hints = Hints::default();
        assert!(hints.admits(0, host(0)));
        assert!(!hints.admits(999_999, host(0)));
        assert!(hints.admits(1_000_000, host(0)));
        let admitted = (1..100_000_u32).filter(|n| hints.admits(2_000_000 + u64::from(*n) * 10, host(*n))).count();
        assert!((2_000..=2_020).contains(&admitted), "{admitted}");
    }

    #[test]
    fn a_flood_of_forged_addresses_delays_an_honest_client_by_seconds_at_most() {
        let mut hints = Hints::default();
        let mut flood = (1..).map(|n: u32| host(n.wrapping_mul(0x9E37_79B9)));
        // 50,000 a second in bursts, as they arrive from a card; the client probes every 25 ms.
        let heard = (0..4_000_u64).find(|ms| {
            let now = ms * 1_000;
            for _ in 0..50 {
                hints.admits(now, flood.next().unwrap_or(host(0)));
            }
            ms % 25 == 7 && hints.admits(now + 500, host(u32::MAX))
        });
        assert!(heard.is_some());
    }
}
