//! Endpoints of one gateway that share its sessions.
#![allow(clippy::unwrap_used, reason = "tests")]

mod world;

use jvpn_proto::blame::DropKind;
use jvpn_proto::endpoint::{Received, Route, Shard};
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
fn an_index_of_another_endpoint_is_dropped_without_a_hint() {
    let mut world = World::with_shard(&[10], Shard { number: 2, of: OF });
    world.connect();
    let from = Route { socket: 0, local: None, remote: ([192, 0, 2, 9], 9).into() };
    for low in 0..OF {
        let mut data = [0; 32];
        (data[0], data[4], data[5]) = (0x10, low, 0xee);
        let verdict = world.gateway.receive(world.now, from, &mut data);
        assert_eq!(verdict, Received::Dropped(if low == 2 { DropKind::UnknownIndex } else { DropKind::OtherWorker }));
        assert_eq!(world.gateway.transmit().is_some(), low == 2, "only an unknown index is answered with a hint");
    }
}

#[test]
fn the_addresses_of_a_session_that_ends_or_was_gone_when_it_was_accepted_are_freed() {
    let mut world = World::with_shard(&[10], Shard { number: 0, of: OF });
    world.connect();
    let session = world.gateway_session.unwrap();
    world.order_gateway(Command::CloseSession { session, reason: "operator".to_owned() });
    let freed = |world: &mut World| std::iter::from_fn(|| world.gateway.next_freed()).collect::<Vec<_>>();
    assert_eq!(freed(&mut world), [(CLIENT_INNER.into(), session)]);
    let accept = Command::AcceptSession { session, assignment: world::assignment() };
    assert!(world.gateway.command(world.now, accept).is_err());
    assert_eq!(freed(&mut world), [(CLIENT_INNER.into(), session)]);
    assert!(world.run_until(S, |report| matches!(report, Report::PeerClosed { .. })));
}

#[test]
fn one_endpoint_alone_has_nobody_to_tell() {
    let mut world = World::ready(&[10], 10);
    let session = world.gateway_session.unwrap();
    world.order_gateway(Command::CloseSession { session, reason: "operator".to_owned() });
    assert_eq!(world.gateway.next_freed(), None);
}
