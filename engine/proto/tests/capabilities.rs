//! What one end may do with inner packets is what the other has granted.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;
mod world;

use jvpn_proto::{
    handshake::Initiator,
    messages::{Command, Peer, Role},
    wire::{CAP_PARTIAL_CHECKSUM, InitPayload},
};
use world::{Side, World, client_address, gateway_route, limits, offer};

#[test]
fn both_ends_of_this_version_elide_checksums() {
    let mut world = World::new(&[10], 10);
    world.connect();
    for (side, session) in [(Side::Client, world.session()), (Side::Gateway, world.gateway_session.unwrap())] {
        let now = world.now;
        let endpoint = world.endpoint(side);
        assert!(endpoint.elides_checksums(session) && endpoint.send_route(session, now).unwrap().elides_checksums);
    }
}

#[test]
fn a_peer_that_takes_no_partial_checksum_gets_none() {
    for (capabilities, elides) in [(CAP_PARTIAL_CHECKSUM, true), (0, false)] {
        let (client, identity) = (support::key(1), support::key(2));
        let payload = InitPayload { capabilities, ..support::offered() };
        let gateway_key = identity.public();
        let mut gateway = world::endpoint(Role::Gateway, identity, limits(), 77, 2);
        let peer = Peer { key: client.public().to_text(), offer: offer(10) };
        gateway.command(0, Command::SetPeer { peer }).unwrap();

        let (mut initiator, mut init) =
            Initiator::new(&client, &gateway_key, 7, &payload, &mut support::noise(3)).unwrap();
        gateway.receive(0, gateway_route(client_address(1)), &mut init);
        let answer = gateway.transmit().expect("RESP");
        let granted = initiator.read_response(&answer.data).unwrap().response.capabilities;
        assert_eq!(u64::from(granted), capabilities);
        assert_eq!(gateway.elides_checksums(1), elides);
    }
}
