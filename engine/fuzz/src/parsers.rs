//! Payloads of the handshake, keys and short texts.

use jvpn_proto::endpoint::Route;
use jvpn_proto::frames::{self, decode_all};
use jvpn_proto::handshake::{Initiator, Responder};
use jvpn_proto::keyfile::{PublicKey, StaticKey};
use jvpn_proto::messages::{Command, Peer, Report, Role};
use jvpn_proto::wire::{self, INIT_LEN, InitPayload, RespPayload};

use crate::world::{client_address, endpoint, gateway_route, limits, offer, open_path};

fn key(seed: u8) -> StaticKey {
    StaticKey::generate(&mut |out: &mut [u8]| out.fill(seed))
}

/// What an end of a handshake says about itself, sealed by a real peer.
pub fn payloads(bytes: &[u8]) {
    if let Ok(payload) = InitPayload::decode(bytes) {
        init(&payload);
    }
    if let Ok((payload, _)) = RespPayload::decode(bytes) {
        resp(payload);
    }
}

fn init(payload: &InitPayload) {
    let (client, identity) = (key(1), key(2));
    let gateway_key = identity.public();
    let mut gateway = endpoint(Role::Gateway, identity, limits(), 77, 2);
    let peer = Peer { key: client.public().to_text(), offer: offer(10) };
    assert!(gateway.command(0, Command::SetPeer { peer }).is_ok());
    let made = Initiator::new(&client, &gateway_key, 7, payload, &mut |out: &mut [u8]| out.fill(3));
    let Ok((_, mut init)) = made else { return };
    gateway.receive(0, gateway_route(client_address(1)), &mut init);
    while gateway.transmit().is_some() {}
    gateway.on_deadline(60_000_000);
}

fn resp(payload: RespPayload) {
    let identity = key(2);
    let mut client = endpoint(Role::Client, key(1), limits(), 0, 1);
    let (local, remote) = (client_address(1), ([192, 0, 2, 1], 4774).into());
    assert!(client.command(0, open_path(1, local.ip(), remote)).is_ok());
    client.path_opened(0, 1, local, remote);
    let gateway_key = identity.public().to_text();
    assert!(client.command(0, Command::Dial { dial: 1, gateway_key, paths: vec![1], about: None }).is_ok());
    let Some(init) = client.transmit().and_then(|sent| <[u8; INIT_LEN]>::try_from(sent.data).ok()) else { return };
    let incoming = Responder::read_init(&identity, &init, &mut |out: &mut [u8]| out.fill(4));
    let Some((mut resp, _)) = incoming.ok().and_then(|incoming| incoming.respond(7, payload).ok()) else { return };
    client.receive(0, Route { socket: 1, local: None, remote }, &mut resp);
    while let Some((_, report)) = client.report() {
        if let Report::HandshakeDone { session, .. } = report {
            assert!(client.command(0, Command::ConfirmSession { session }).is_ok());
        }
    }
    for second in 1..10 {
        client.on_deadline(second * 1_000_000);
        while client.transmit().is_some() {}
    }
}

/// Lines of key files and of messages. What is accepted means what it says.
pub fn texts(bytes: &[u8]) {
    if let Ok(list) = decode_all(bytes) {
        let mut again = Vec::new();
        list.as_slice().iter().for_each(|frame| frame.encode(&mut again));
        assert_eq!(decode_all(&again).as_ref().map(frames::FrameList::as_slice), Ok(list.as_slice()));
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(public) = PublicKey::from_text(text) {
        assert_eq!(public.to_text(), text.trim());
    }
    if let Ok(private) = StaticKey::from_text(text) {
        assert_eq!(private.to_text().as_str().trim(), text.trim());
    }
    if let Ok(reason) = wire::Reason::new(text) {
        assert_eq!(reason.as_str(), text);
    }
}
