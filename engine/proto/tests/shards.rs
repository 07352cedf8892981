//! Endpoints of one gateway that share its sessions.
#![allow(clippy::unwrap_used, reason = "tests")]

mod world;

use std::net::IpAddr;

use jvpn_proto::endpoint::Shard;
use jvpn_proto::messages::{Command, Report};
use world::{CLIENT_INNER, MS, S, Side, World};

const OF: u8 = 7;

#[test]
fn handles_and_indices_name_their_endpoint() {
    for number in 0..OF {
        let mut world = World::with_shard(&[10, 30], Shard { number, of: OF });
        world.capturing = true;
        world.connect();
        world.flow = [MS, MS];
        world.run(S / 10);
        assert_ne!(world.gateway_session.unwrap(), 0);
        assert_eq!(world.gateway_session.unwrap() % u32::from(OF), u32::from(number));
        let data = world.capture.iter().filter(|(to, _, data)| *to == Side::Gateway && data[0] == 0x10);
        let mut indices: Vec<[u8; 4]> = data.map(|(_, _, data)| data[4..8].try_into().unwrap()).collect();
        assert!(indices.iter().all(|index| index[0] % OF == number));
        indices.sort_unstable();
        indices.dedup();
        assert!(indices.len() >= 2, "one of the session and one of each path");
    }
}

#[test]
fn an_address_that_went_over_to_another_endpoint_is_neither_source_nor_destination() {
    let mut world = World::with_shard(&[10], Shard { number: 2, of: OF });
    world.connect();
    let (session, address) = (world.gateway_session.unwrap(), IpAddr::from(CLIENT_INNER));
    assert_eq!(world.gateway.next_disowned(), None);
    world.gateway.disown(address, session + u32::from(OF));
    assert_eq!(world.gateway.route_inner(address), Some(session), "that was another session");
    world.gateway.disown(address, session);
    assert_eq!(world.gateway.route_inner(address), None);
    assert!(!world.gateway.source_allowed(session, address));
}

#[test]
fn the_addresses_of_a_session_that_ends_or_was_gone_when_it_was_accepted_are_given_back() {
    let mut world = World::with_shard(&[10], Shard { number: 0, of: OF });
    world.connect();
    let session = world.gateway_session.unwrap();
    world.order_gateway(Command::CloseSession { session, reason: "operator".to_owned() });
    let given_back = |world: &mut World| std::iter::from_fn(|| world.gateway.next_disowned()).collect::<Vec<_>>();
    assert_eq!(given_back(&mut world), [(CLIENT_INNER.into(), session)]);
    let accept = Command::AcceptSession { session, assignment: world::assignment() };
    assert!(world.gateway.command(world.now, accept).is_err());
    assert_eq!(given_back(&mut world), [(CLIENT_INNER.into(), session)]);
    assert!(world.run_until(S, |report| matches!(report, Report::PeerClosed { .. })));
}

#[test]
fn one_endpoint_alone_has_nobody_to_tell() {
    let mut world = World::ready(&[10], 10);
    let session = world.gateway_session.unwrap();
    world.order_gateway(Command::CloseSession { session, reason: "operator".to_owned() });
    assert_eq!(world.gateway.next_disowned(), None);
}
