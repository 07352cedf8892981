//! HINT: a gateway reports that it does not know an index, at a limited rate. A HINT proves nothing and is shorter than
//! the message that it answers.

use std::collections::VecDeque;
use std::net::IpAddr;

/// Maximum number of HINTs per second in total; to one address: one.
const PER_S: usize = 20;
const SECOND_US: u64 = 1_000_000;

#[derive(Debug, Default)]
pub(crate) struct Hints {
    recent: VecDeque<(u64, IpAddr)>,
}

impl Hints {
    pub(crate) fn admits(&mut self, now: u64, to: IpAddr) -> bool {
        while self.recent.front().is_some_and(|(at, _)| at + SECOND_US <= now) {
            self.recent.pop_front();
        }
        let admitted = self.recent.len() < PER_S && self.recent.iter().all(|(_, address)| *address != to);
        if admitted {
            self.recent.push_back((now, to));
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_sees_at_most_twenty_hints_and_one_per_address() {
        let mut hints = Hints::default();
        let address = |n: u8| IpAddr::from([192, 0, 2, n]);
        assert!(hints.admits(0, address(0)));
        assert!(!hints.admits(999_999, address(0)));
        let admitted = (1..100).filter(|n| hints.admits(10, address(*n))).count();
        assert_eq!(admitted, PER_S - 1);
        assert!(hints.admits(1_000_010, address(0)));
    }
}
