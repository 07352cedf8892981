//! When a message that waits for an answer is sent again.

use super::rtt::Rtt;

/// Maximum number of sends of one message that waits for an answer (ATTACH, PATH_CHALLENGE, SWITCH, …).
pub(crate) const SENDS_MAX: u8 = 5;

/// A message that is sent again until it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retry {
    pub(crate) sends: u8,
    pub(crate) first_at: u64,
    pub(crate) next_at: u64,
}

impl Retry {
    /// The first send was at `now`.
    pub(crate) fn begun(now: u64, pto_us: u64) -> Self {
        Self { sends: 1, first_at: now, next_at: now + pto_us }
    }

    /// Sent once more at `now`. Without a measured round trip the pauses double, because the estimate may be far too
    /// short.
    pub(crate) fn again(&mut self, now: u64, rtt: &Rtt, interval_us: u64) {
        let doublings = if rtt.measured() { 0 } else { u32::from(self.sends.min(4)) };
        self.sends = self.sends.saturating_add(1);
        self.next_at = now + (rtt.pto_us(interval_us) << doublings);
    }

    /// The answer asks to wait until then: the count of unanswered sends begins again.
    pub(crate) fn put_off(&mut self, until: u64) {
        self.sends = 1;
        self.next_at = until;
    }

    pub(crate) fn exhausted(&self) -> bool {
        self.sends >= SENDS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_estimate_the_pauses_of_a_retry_double() {
        let (mut retry, rtt) = (Retry::begun(0, 200), Rtt::default());
        let mut times = vec![retry.next_at];
        for _ in 0..2 {
            retry.again(retry.next_at, &rtt, 0);
            times.push(retry.next_at);
        }
        assert_eq!(times, [200, 400_200, 1_200_200]);
    }
}
