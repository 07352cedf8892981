//! Address prefixes.

use std::net::IpAddr;
use std::str::FromStr;

/// An address and the number of its significant leading bits. IPv4 and IPv6 never match each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    address: IpAddr,
    bits: u8,
}

impl Prefix {
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differs = own.to_bits() ^ other.to_bits();
                differs.leading_zeros() >= u32::from(self.bits)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differs = own.to_bits() ^ other.to_bits();
                differs.leading_zeros() >= u32::from(self.bits)
            }
            _ => false,
        }
    }
}

impl FromStr for Prefix {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, bits) = text.split_once('/').ok_or(())?;
        let address: IpAddr = address.parse().map_err(|_| ())?;
        let bits: u8 = bits.parse().map_err(|_| ())?;
        let widest = if address.is_ipv4() { 32 } else { 128 };
        if bits <= widest {
            Ok(Self { address, bits })
        } else {
            Err(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_belongs_to_a_prefix_by_its_leading_bits() {
        let contains = |prefix: &str, address: &str| {
            let prefix: Prefix = prefix.parse().expect("prefix");
            prefix.contains(address.parse().expect("address"))
        };
        assert!(contains("10.80.0.0/16", "10.80.255.1"));
        assert!(!contains("10.80.0.0/16", "10.81.0.1"));
        assert!(contains("0.0.0.0/0", "192.0.2.1") && contains("192.0.2.1/32", "192.0.2.1"));
        assert!(contains("fd80::/48", "fd80::1") && !contains("fd80::/48", "fd80:0:1::1"));
        assert!(!contains("0.0.0.0/0", "::1"));
        for bad in [
            "10.0.0.0",
            "10.0.0.0/33",
            "fd80::/129",
            "x/8",
            "10.0.0.0/-1",
        ] {
            assert!(bad.parse::<Prefix>().is_err(), "{bad}");
        }
    }
}
