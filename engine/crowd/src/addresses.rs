//! Every client has its own address, and a new one after each jump. One socket serves them all: the kernel treats a
//! whole network as local (`ip route add local 10.128.0.0/9 dev lo`), and each datagram carries the local address that
//! it was sent to.
//!
//! ```text
//!   10.128.0.0 + (path - 1) × 131,072 + client
//! ```

use std::net::{IpAddr, Ipv4Addr};

use jvpn_proto::messages::PathId;

const FIRST: u32 = 0x0A80_0000;
const SPAN: u32 = 131_072;
/// Maximum clients of one crowd, equal to the maximum of a gateway.
pub const CLIENTS_MAX: u32 = SPAN;
/// Maximum paths of one client over its life: a /9 has no more addresses.
pub const PATHS_MAX: u32 = (1 << 23) / SPAN;

/// `path` is 1 … [`PATHS_MAX`].
pub fn address_of(client: u32, path: PathId) -> Ipv4Addr {
    Ipv4Addr::from_bits(FIRST + (path - 1) * SPAN + client)
}

/// The client and the path that an address belongs to.
pub fn owner_of(address: IpAddr) -> Option<(u32, PathId)> {
    let IpAddr::V4(address) = address else { return None };
    let place = address.to_bits().checked_sub(FIRST)?;
    let path = place / SPAN + 1;
    (path <= PATHS_MAX).then_some((place % SPAN, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_its_client_and_its_path() {
        for (client, path) in [(0, 1), (131_071, 1), (0, 2), (77_777, 9), (131_071, PATHS_MAX)] {
            assert_eq!(owner_of(address_of(client, path).into()), Some((client, path)));
        }
        assert_eq!(address_of(131_071, PATHS_MAX), Ipv4Addr::new(10, 255, 255, 255));
        assert_eq!(owner_of(Ipv4Addr::new(11, 0, 0, 0).into()), None);
        assert_eq!(owner_of(Ipv4Addr::new(10, 127, 255, 255).into()), None);
    }
}
