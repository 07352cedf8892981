//! Two endpoints with a live session, and datagrams of anybody between them.

use jvpn_proto::endpoint::{Received, Route};
use jvpn_proto::messages::Report;

use crate::world::{MS, S, Side, World, client_address, gateway_route};

/// Messages of one input.
const MESSAGES_MAX: usize = 64;
/// Bits of the first byte of a message.
const TO_CLIENT: u8 = 1;
const LIVE_INDEX: u8 = 2;
const FROM_ELSEWHERE: u8 = 4;

/// An input is a list of messages: how it is sent, its length (16 bits, little-endian), its bytes.
fn messages(mut bytes: &[u8]) -> Vec<(u8, &[u8])> {
    let mut found = Vec::new();
    while let [how, low, high, rest @ ..] = bytes
        && found.len() < MESSAGES_MAX
    {
        let (message, after) = rest.split_at(usize::from(u16::from_le_bytes([*low, *high])).min(rest.len()));
        found.push((*how, message));
        bytes = after;
    }
    found
}

fn addressed(how: u8) -> (Side, Route) {
    match how {
        how if how & TO_CLIENT != 0 => {
            (Side::Client, Route { socket: 1, local: None, remote: ([192, 0, 2, 1], 4774).into() })
        }
        how if how & FROM_ELSEWHERE != 0 => (Side::Gateway, gateway_route(([203, 0, 113, 9], 53).into())),
        _ => (Side::Gateway, gateway_route(client_address(1))),
    }
}

/// The index under which each end receives now: gateway, client.
fn live_indices(world: &World) -> [Option<[u8; 4]>; 2] {
    [Side::Gateway, Side::Client].map(|side| {
        let to_side = |(to, _, data): &&(Side, u32, Vec<u8>)| *to == side && data[0] == 0x10;
        world.capture.iter().rev().find(to_side).and_then(|(.., data)| data[4..8].try_into().ok())
    })
}

fn connected() -> World {
    let mut world = World::new(&[10, 10], 10);
    world.capturing = true;
    world.connect();
    world
}

/// Without a key nothing changes a session: it lives, on its path, and carries packets.
pub fn datagrams(bytes: &[u8]) {
    let mut world = connected();
    let indices = live_indices(&world);
    world.capturing = false;
    for (how, message) in messages(bytes) {
        let mut datagram = message.to_vec();
        let (to, from) = addressed(how);
        let index = indices[usize::from(to == Side::Client)];
        if how & LIVE_INDEX != 0
            && let (Some(place), Some(index)) = (datagram.get_mut(4..8), index)
        {
            place.copy_from_slice(&index);
        }
        let received = world.receive(to, from, &mut datagram);
        assert!(!matches!(received, Received::Inner { .. }), "{received:?}");
        world.run(MS);
    }
    world.assert_honest();
    assert_carries(&mut world);
}

/// With the keys of a session, a peer harms that session alone, and nobody sees a panic.
pub fn sealed(bytes: &[u8]) {
    let mut world = connected();
    for (how, plaintext) in messages(bytes) {
        let (to, from) = addressed(how);
        let sender = if to == Side::Client { Side::Gateway } else { Side::Client };
        let session = if sender == Side::Client { world.session } else { world.gateway_session };
        let (Some(session), now) = (session, world.now) else { return };
        let mut out = vec![0; plaintext.len() + 64];
        let Ok(len) = world.endpoint(sender).seal_inner(session, now, &mut out, &[], plaintext, false) else {
            continue;
        };
        world.endpoint(to).receive(now, from, &mut out[..len]);
        world.flush(to);
        world.run(MS);
    }
    world.run(S);
    // The endpoints go on with other sessions.
    world.dial();
    assert!(world.run_until(5 * S, |report| matches!(report, Report::HandshakeConfirmed { .. })));
}

fn assert_carries(world: &mut World) {
    let before = world.delivered.len();
    world.flow = [10 * MS, 10 * MS];
    world.run(S / 5);
    world.flow = [0, 0];
    world.run(S / 10);
    assert_eq!(world.delivered.len() - before, (world.sent[0] + world.sent[1]) as usize);
    assert!(world.sent[0] >= 19 && world.sent[1] >= 19, "{:?}", world.sent);
}
