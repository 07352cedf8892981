//! What one end may do with inner packets is what the other end has granted.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;
mod world;

use jvpn_proto::{
    endpoint::{Endpoint, Route, SealError},
    handshake::{Initiator, Responder},
    messages::{Command, Peer, Report, Role, SessionHandle},
    wire::{CAP_PARTIAL_CHECKSUM, INIT_LEN, InitPayload, RespPayload},
};
use support::{granted, key, noise, offered};
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

/// Whether the sender would elide the checksum, and the error for sealing such a packet in an unconfirmed session.
fn verdict(endpoint: &mut Endpoint, session: SessionHandle) -> (bool, SealError) {
    let refused = endpoint.seal_inner(session, 0, &mut [0; 256], &[], &[0x45; 60], true).unwrap_err();
    (endpoint.elides_checksums(session), refused)
}

const ELIDES: (bool, SealError) = (true, SealError::NotReady);
const COMPLETES: (bool, SealError) = (false, SealError::PartialChecksum);

#[test]
fn a_gateway_sends_no_partial_checksum_to_a_client_that_offered_no_such() {
    for (capabilities, expected) in [(CAP_PARTIAL_CHECKSUM, ELIDES), (0, COMPLETES)] {
        let (client, identity) = (key(1), key(2));
        let payload = InitPayload { capabilities, ..offered() };
        let gateway_key = identity.public();
        let mut gateway = world::endpoint(Role::Gateway, identity, limits(), 77, 2);
        let peer = Peer { key: client.public().to_text(), offer: offer(10) };
        gateway.command(0, Command::SetPeer { peer }).unwrap();

        let (mut initiator, mut init) = Initiator::new(&client, &gateway_key, 7, &payload, &mut noise(3)).unwrap();
        gateway.receive(0, gateway_route(client_address(1)), &mut init);
        let answer = gateway.transmit().expect("RESP");
        let granted = initiator.read_response(&answer.data).unwrap().response.capabilities;
        assert_eq!(u64::from(granted), capabilities);
        assert_eq!(verdict(&mut gateway, 1), expected);
    }
}

#[test]
fn a_client_sends_no_partial_checksum_to_a_gateway_that_granted_none() {
    for (capabilities, expected) in [(1, ELIDES), (0, COMPLETES)] {
        let identity = key(2);
        let mut client = world::endpoint(Role::Client, key(1), limits(), 0, 1);
        let (local, remote) = (client_address(1), ([192, 0, 2, 1], 4774).into());
        client.command(0, world::open_path(1, local.ip(), remote)).unwrap();
        client.path_opened(0, 1, local, remote);
        let gateway_key = identity.public().to_text();
        client.command(0, Command::Dial { dial: 1, gateway_key, paths: vec![1], about: None }).unwrap();

        let init: [u8; INIT_LEN] = client.transmit().expect("INIT").data.try_into().unwrap();
        let incoming = Responder::read_init(&identity, &init, &mut noise(4)).unwrap();
        let (mut resp, _) = incoming.respond(7, RespPayload { capabilities, ..granted() }).unwrap();
        client.receive(0, Route { socket: 1, local: None, remote }, &mut resp);
        let done = std::iter::from_fn(|| client.report()).find_map(|(_, report)| {
            if let Report::HandshakeDone { session, .. } = report { Some(session) } else { None }
        });
        assert_eq!(verdict(&mut client, done.expect("a session")), expected);
    }
}
