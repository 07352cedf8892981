//! The properties of the machine's links that paths need: link state, source addresses and routes.
//!
//! This module is pure: it turns netlink messages, which the parent module reads, into `Link`s.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use jvpn_proto::messages::Link;
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    address::{AddressAttribute, AddressFlags, AddressMessage},
    link::{LinkAttribute, LinkFlags, LinkInfo, LinkMessage},
    route::{RouteAddress, RouteAttribute, RouteFlags, RouteMessage, RouteNextHopFlags, RouteType},
};

/// Maximum routes kept per link: those with the shortest prefixes, which decide whether a gateway can be reached at
/// all.
const ROUTES_MAX: usize = 64;
/// Maximum addresses kept per link.
const ADDRESSES_MAX: usize = 64;
/// Maximum links kept: those with the lowest index, which are usually the machine's own.
const LINKS_MAX: usize = 1_024;
/// Routes to the machine itself and to its broadcast addresses reach no gateway.
const TABLE_LOCAL: u32 = 255;

/// Collects one dump of links, addresses and routes, in this order.
#[derive(Debug, Default)]
pub struct Inventory {
    links: BTreeMap<u32, Draft>,
}

#[derive(Debug)]
struct Draft {
    name: String,
    kind: Option<String>,
    up: bool,
    addresses: BTreeSet<IpAddr>,
    /// Shortest prefix first.
    routes: BTreeSet<(u8, IpAddr)>,
}

impl Inventory {
    pub fn add(&mut self, message: &RouteNetlinkMessage) {
        match message {
            RouteNetlinkMessage::NewLink(link) => self.add_link(link),
            RouteNetlinkMessage::NewAddress(address) => self.add_address(address),
            RouteNetlinkMessage::NewRoute(route) => self.add_route(route),
            _ => {}
        }
    }

    /// All links except the one named `except`, ordered by index.
    pub fn into_links(self, except: &str) -> Vec<Link> {
        let kept = self.links.into_iter().filter(|(_, draft)| draft.name != except);
        kept.map(|(index, draft)| draft.into_link(index)).collect()
    }

    fn add_link(&mut self, message: &LinkMessage) {
        let name = message.attributes.iter().find_map(|attribute| match attribute {
            LinkAttribute::IfName(name) => Some(name.clone()),
            _ => None,
        });
        let Some(name) = name else { return };
        let kind = message.attributes.iter().find_map(|attribute| match attribute {
            LinkAttribute::LinkInfo(parts) => parts.iter().find_map(|part| match part {
                LinkInfo::Kind(kind) => Some(kind.to_string()),
                _ => None,
            }),
            _ => None,
        });
        let up = is_up(message.header.flags);
        let draft = Draft { name, kind, up, addresses: BTreeSet::new(), routes: BTreeSet::new() };
        self.links.insert(message.header.index, draft);
        if self.links.len() > LINKS_MAX {
            self.links.pop_last();
        }
    }

    fn add_address(&mut self, message: &AddressMessage) {
        let Some(draft) = self.links.get_mut(&message.header.index) else { return };
        if let Some(address) = usable_address(message)
            && draft.addresses.len() < ADDRESSES_MAX
        {
            draft.addresses.insert(address);
        }
    }

    fn add_route(&mut self, message: &RouteMessage) {
        let dead = RouteFlags::Dead | RouteFlags::Linkdown;
        if message.header.kind != RouteType::Unicast
            || table(message) == TABLE_LOCAL
            || message.header.flags.intersects(dead)
        {
            return;
        }
        let Some(destination) = destination(message) else { return };
        let prefix = (message.header.destination_prefix_length, destination);
        for attribute in &message.attributes {
            match attribute {
                RouteAttribute::Oif(index) => self.add_prefix(*index, prefix),
                RouteAttribute::MultiPath(hops) => {
                    let dead = RouteNextHopFlags::Dead | RouteNextHopFlags::Linkdown;
                    for hop in hops.iter().filter(|hop| !hop.flags.intersects(dead)) {
                        self.add_prefix(hop.interface_index, prefix);
                    }
                }
                _ => {}
            }
        }
    }

    fn add_prefix(&mut self, index: u32, prefix: (u8, IpAddr)) {
        let Some(draft) = self.links.get_mut(&index) else { return };
        draft.routes.insert(prefix);
        if draft.routes.len() > ROUTES_MAX {
            draft.routes.pop_last();
        }
    }
}

impl Draft {
    fn into_link(self, index: u32) -> Link {
        Link {
            name: self.name,
            index,
            kind: self.kind,
            up: self.up,
            addresses: self.addresses.into_iter().collect(),
            routes: self.routes.into_iter().map(|(length, address)| format!("{address}/{length}")).collect(),
        }
    }
}

/// Applies a change to the known links without a new dump, but only if it makes a path unusable at once. `true` =
/// something changed.
pub fn apply_loss(links: &mut Vec<Link>, message: &RouteNetlinkMessage) -> bool {
    match message {
        RouteNetlinkMessage::NewLink(changed) if !is_up(changed.header.flags) => {
            let known = links.iter_mut().find(|link| link.index == changed.header.index && link.up);
            known.map(|link| link.up = false).is_some()
        }
        // When a port leaves a bridge, the kernel reports a deleted link of the bridge family.
        RouteNetlinkMessage::DelLink(gone) if gone.header.interface_family == AddressFamily::Unspec => {
            let before = links.len();
            links.retain(|link| link.index != gone.header.index);
            links.len() != before
        }
        _ => false,
    }
}

/// Administratively up, with carrier, and with any link authentication completed.
fn is_up(flags: LinkFlags) -> bool {
    flags.contains(LinkFlags::Up | LinkFlags::LowerUp | LinkFlags::Running)
}

/// The interface's own address, unless it cannot be the source of packets to a gateway.
fn usable_address(message: &AddressMessage) -> Option<IpAddr> {
    let mut flags = AddressFlags::from_bits_retain(u32::from(message.header.flags.bits()));
    let (mut local, mut address) = (None, None);
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Flags(wide) => flags = *wide,
            AddressAttribute::Local(own) => local = Some(*own),
            AddressAttribute::Address(own_or_peer) => address = Some(*own_or_peer),
            _ => {}
        }
    }
    let unusable = AddressFlags::Tentative | AddressFlags::Deprecated | AddressFlags::Dadfailed;
    let usable = local.or(address).filter(|_| !flags.intersects(unusable))?;
    let link_local = match usable {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    (!link_local).then_some(usable)
}

fn table(message: &RouteMessage) -> u32 {
    let wide = message.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Table(table) => Some(*table),
        _ => None,
    });
    wide.unwrap_or_else(|| u32::from(message.header.table))
}

/// The destination network. A default route has none and stands for all addresses. Link-local networks reach no
/// gateway.
fn destination(message: &RouteMessage) -> Option<IpAddr> {
    let named = message.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Destination(RouteAddress::Inet(v4)) => Some(IpAddr::V4(*v4)),
        RouteAttribute::Destination(RouteAddress::Inet6(v6)) => Some(IpAddr::V6(*v6)),
        _ => None,
    });
    let all = match message.header.address_family {
        AddressFamily::Inet => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        AddressFamily::Inet6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        _ => return None,
    };
    match named.unwrap_or(all) {
        IpAddr::V6(v6) if v6.is_unicast_link_local() || v6.is_multicast() => None,
        destination => Some(destination),
    }
}

#[cfg(test)]
mod tests {
    use netlink_packet_route::link::InfoKind;

    use super::*;

    #[test]
    fn a_link_has_its_usable_addresses_and_its_routes_shortest_first() {
        let mut inventory = Inventory::default();
        inventory.add(&link(2, "wan0", LinkFlags::Up | LinkFlags::LowerUp | LinkFlags::Running));
        for own in ["198.51.100.7", "169.254.3.3", "2001:db8::7", "fe80::7"] {
            inventory.add(&address(2, own, AddressFlags::Permanent));
        }
        inventory.add(&address(2, "2001:db8::8", AddressFlags::Tentative));
        inventory.add(&address(2, "2001:db8::9", AddressFlags::Deprecated));
        inventory.add(&route(2, Some("198.51.100.0"), 24));
        inventory.add(&route(2, None, 0));
        inventory.add(&route(2, Some("fe80::"), 64));
        let expected = Link {
            name: "wan0".into(),
            index: 2,
            kind: None,
            up: true,
            addresses: vec![ip("198.51.100.7"), ip("2001:db8::7")],
            routes: vec!["0.0.0.0/0".into(), "198.51.100.0/24".into()],
        };
        assert_eq!(inventory.into_links("jvpn0"), [expected]);
    }

    #[test]
    fn only_the_shortest_prefixes_are_kept() {
        let mut inventory = Inventory::default();
        inventory.add(&link(2, "wan0", LinkFlags::empty()));
        for host in 0..200u8 {
            inventory.add(&route(2, Some(&format!("192.0.2.{host}")), 32));
        }
        inventory.add(&route(2, None, 0));
        let links = inventory.into_links("jvpn0");
        assert_eq!((links[0].routes.len(), links[0].routes[0].as_str()), (ROUTES_MAX, "0.0.0.0/0"));
    }

    #[test]
    fn a_virtual_link_has_the_kind_that_the_kernel_gives_it() {
        let mut inventory = Inventory::default();
        for (index, kind) in [(2, InfoKind::Tun), (3, InfoKind::Wireguard), (4, InfoKind::Other("ovpn".into()))] {
            let RouteNetlinkMessage::NewLink(mut message) = link(index, "v0", LinkFlags::Up) else { unreachable!() };
            message.attributes.push(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(kind)]));
            inventory.add(&RouteNetlinkMessage::NewLink(message));
        }
        let kinds: Vec<_> = inventory.into_links("jvpn0").into_iter().filter_map(|link| link.kind).collect();
        assert_eq!(kinds, ["tun", "wireguard", "ovpn"]);
    }

    #[test]
    fn the_own_tunnel_is_left_out() {
        let mut inventory = Inventory::default();
        inventory.add(&link(2, "jvpn0", LinkFlags::Up));
        assert!(inventory.into_links("jvpn0").is_empty());
    }

    #[test]
    fn a_loss_is_seen_once_and_without_a_dump() {
        let up = LinkFlags::Up | LinkFlags::LowerUp | LinkFlags::Running;
        let mut inventory = Inventory::default();
        inventory.add(&link(2, "wan0", up));
        let mut links = inventory.into_links("jvpn0");
        assert!(!apply_loss(&mut links, &link(2, "wan0", up)));
        assert!(apply_loss(&mut links, &link(2, "wan0", LinkFlags::Up)));
        assert!(!apply_loss(&mut links, &link(2, "wan0", LinkFlags::Up)));
        let RouteNetlinkMessage::NewLink(gone) = link(2, "wan0", LinkFlags::empty()) else { unreachable!() };
        assert!(apply_loss(&mut links, &RouteNetlinkMessage::DelLink(gone)));
        assert!(links.is_empty());
    }

    fn link(index: u32, name: &str, flags: LinkFlags) -> RouteNetlinkMessage {
        let mut message = LinkMessage::default();
        message.header.index = index;
        message.header.flags = flags;
        message.attributes.push(LinkAttribute::IfName(name.into()));
        RouteNetlinkMessage::NewLink(message)
    }

    fn address(index: u32, own: &str, flags: AddressFlags) -> RouteNetlinkMessage {
        let mut message = AddressMessage::default();
        message.header.index = index;
        message.attributes.extend([AddressAttribute::Address(ip(own)), AddressAttribute::Flags(flags)]);
        RouteNetlinkMessage::NewAddress(message)
    }

    fn route(index: u32, to: Option<&str>, length: u8) -> RouteNetlinkMessage {
        let mut message = RouteMessage::default();
        message.header.kind = RouteType::Unicast;
        message.header.destination_prefix_length = length;
        message.header.address_family = match to.map(ip) {
            Some(IpAddr::V6(_)) => AddressFamily::Inet6,
            _ => AddressFamily::Inet,
        };
        message.attributes.extend(to.map(|to| RouteAttribute::Destination(ip(to).into())));
        message.attributes.push(RouteAttribute::Oif(index));
        RouteNetlinkMessage::NewRoute(message)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }
}
