//! Limits per network: a token bucket for each IPv4 address and each IPv6 /64, because one host may have a whole /64;
//! or for each /24 and each /48, the usual size of one site.

use std::collections::HashMap;
use std::net::IpAddr;

/// Number of networks in each of the two generations of the table. When the recent generation is full, it becomes the
/// older one, and the previous older one is removed: networks that sent nothing since then have their full burst again.
const NETWORKS_MAX: usize = 4_096;

/// Whose bucket an address uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// An IPv4 address, or an IPv6 /64.
    Host,
    /// An IPv4 /24, or an IPv6 /48.
    Site,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Network {
    V4([u8; 4]),
    V6([u8; 8]),
}

impl Network {
    fn of(address: IpAddr, of: Of) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, d] = address.octets();
                Self::V4([a, b, c, if of == Of::Host { d } else { 0 }])
            }
            IpAddr::V6(address) => {
                let octets = address.octets();
                let len = if of == Of::Host { 8 } else { 6 };
                let mut prefix = [0; 8];
                prefix[..len].copy_from_slice(&octets[..len]);
                Self::V6(prefix)
            }
        }
    }
}

/// For each network, the time at which its bucket is full again.
#[derive(Debug)]
pub(crate) struct Buckets {
    of: Of,
    /// Interval between two tokens, µs, and their maximum.
    interval_us: u64,
    burst: u64,
    recent: HashMap<Network, u64>,
    older: HashMap<Network, u64>,
}

impl Buckets {
    pub(crate) fn new(of: Of, per_s: u64, burst: u64) -> Self {
        Self { of, interval_us: 1_000_000 / per_s, burst, recent: HashMap::new(), older: HashMap::new() }
    }

    /// Takes one token from the bucket of the address's network. False if the bucket is empty.
    pub(crate) fn admits(&mut self, now: u64, from: IpAddr) -> bool {
        let network = Network::of(from, self.of);
        let known = self.recent.get(&network).or_else(|| self.older.get(&network));
        let full_at = known.map_or(now, |at| (*at).max(now));
        if full_at - now > (self.burst - 1) * self.interval_us {
            return false;
        }
        if self.recent.len() >= NETWORKS_MAX && !self.recent.contains_key(&network) {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(network, full_at + self.interval_us);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts() -> Buckets {
        Buckets::new(Of::Host, 20, 5)
    }

    fn admitted(buckets: &mut Buckets, now: u64, from: IpAddr, tries: usize) -> usize {
        (0..tries).filter(|_| buckets.admits(now, from)).count()
    }

    #[test]
    fn a_network_has_a_burst_of_five_and_twenty_a_second() {
        let mut buckets = hosts();
        let from = [192, 0, 2, 1].into();
        assert_eq!(admitted(&mut buckets, 0, from, 100), 5);
        let later: usize = (1..=1_000).map(|ms| admitted(&mut buckets, ms * 1_000, from, 10)).sum();
        assert_eq!(later, 20);
        assert_eq!(admitted(&mut buckets, 0, [192, 0, 2, 2].into(), 100), 5);
    }

    #[test]
    fn the_hosts_of_one_64_share_a_bucket_and_a_mapped_address_is_an_ipv4_one() {
        let mut buckets = hosts();
        let of = |text: &str| text.parse::<IpAddr>().unwrap_or_else(|_| [0; 4].into());
        assert_eq!(admitted(&mut buckets, 0, of("2001:db8::1"), 3), 3);
        assert_eq!(admitted(&mut buckets, 0, of("2001:db8::2"), 9), 2);
        assert_eq!(admitted(&mut buckets, 0, of("2001:db8:0:1::2"), 9), 5);
        assert_eq!(admitted(&mut buckets, 0, of("192.0.2.1"), 3), 3);
        assert_eq!(admitted(&mut buckets, 0, of("::ffff:192.0.2.1"), 9), 2);
    }

    #[test]
    fn the_table_is_bounded_and_forgets_who_was_not_seen_for_longest() {
        let mut buckets = hosts();
        let host = |n: u32| IpAddr::from(n.to_be_bytes());
        assert_eq!(admitted(&mut buckets, 0, host(0), 9), 5);
        for n in 1..=3 * NETWORKS_MAX as u32 {
            assert!(buckets.admits(0, host(n)));
        }
        assert!(buckets.recent.len() <= NETWORKS_MAX && buckets.older.len() <= NETWORKS_MAX);
        assert_eq!(admitted(&mut buckets, 0, host(0), 9), 5, "forgotten");
        assert_eq!(admitted(&mut buckets, 0, host(3 * NETWORKS_MAX as u32), 9), 4, "remembered");
    }

    #[test]
    fn the_hosts_of_one_site_share_a_bucket_and_other_sites_do_not() {
        let mut buckets = Buckets::new(Of::Site, 100, 5);
        let of = |text: &str| text.parse::<IpAddr>().unwrap_or_else(|_| [0; 4].into());
        assert_eq!(admitted(&mut buckets, 0, of("192.0.2.1"), 3), 3);
        assert_eq!(admitted(&mut buckets, 0, of("192.0.2.250"), 9), 2);
        assert_eq!(admitted(&mut buckets, 0, of("192.0.3.1"), 9), 5);
        assert_eq!(admitted(&mut buckets, 0, of("2001:db8:1:1::1"), 3), 3);
        assert_eq!(admitted(&mut buckets, 0, of("2001:db8:1:ffff::1"), 9), 2);
        assert_eq!(admitted(&mut buckets, 0, of("2001:db8:2:1::1"), 9), 5);
    }
}
