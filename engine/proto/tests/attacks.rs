//! An attacker on the wire without keys can cause loss and nothing else. Ids as in the attack list.
#![allow(clippy::unwrap_used, reason = "tests")]

mod world;

use jvpn_proto::blame::DropKind;
use jvpn_proto::endpoint::{Limits, Received, Route};
use jvpn_proto::keyfile::StaticKey;
use jvpn_proto::messages::{Command, PathId, Report, Role};
use world::{MS, S, Side, World, client_address, gateway_route, limits};

/// All properties of the session that an attacker may want to change.
fn identity(world: &mut World) -> (PathId, PathId, usize) {
    let (client, gateway, now) = (world.session(), world.gateway_session.unwrap(), world.now);
    let rotations = world.count(Side::Client, |report| matches!(report, Report::KeyRotated { .. }));
    (
        world.client.send_route(client, now).unwrap().path,
        world.gateway.send_route(gateway, now).unwrap().path,
        rotations,
    )
}

fn route_to(to: Side, path: PathId) -> Route {
    match to {
        Side::Gateway => gateway_route(client_address(path)),
        Side::Client => Route { socket: path, local: None, remote: ([192, 0, 2, 1], 4774).into() },
    }
}

#[test]
fn a13_a_whole_capture_replayed_forward_and_backward_is_accepted_nowhere() {
    let mut world = World::new(&[10, 10], 10);
    world.capturing = true;
    world.connect();
    world.flow = [MS, MS];
    world.run(S);
    world.flow = [0, 0];
    world.run(S);
    let before = identity(&mut world);
    let delivered = world.delivered.len();
    world.capturing = false;
    let capture = world.capture.clone();
    for (to, path, data) in capture.iter().chain(capture.iter().rev()) {
        let received = world.receive(*to, route_to(*to, *path), &mut data.clone());
        assert!(!matches!(received, Received::Inner { .. }));
    }
    world.run(S);
    assert_eq!(world.delivered.len(), delivered);
    assert_eq!(world.delivered_twice(), 0);
    assert_eq!(identity(&mut world), before);
    assert_eq!(world.count(Side::Gateway, |report| matches!(report, Report::HandshakeConfirmed { .. })), 1);
    world.assert_honest();
}

#[test]
fn a01_a_captured_init_costs_one_slot_and_no_session() {
    let mut world = World::new(&[10], 10);
    world.capturing = true;
    world.connect();
    let init = world.capture.iter().find(|(_, _, data)| data[0] == 0x01).unwrap().2.clone();
    for _ in 0..20 {
        for _ in 0..1_000 {
            world.receive(Side::Gateway, route_to(Side::Gateway, 9), &mut init.clone());
        }
        world.run(S);
    }
    assert_eq!(world.count(Side::Gateway, |report| matches!(report, Report::HandshakeConfirmed { .. })), 1);
    assert!(world.drops(Side::Gateway, DropKind::SessionUnconfirmed) <= 5, "one pending slot each five seconds");
}

#[test]
fn a04_under_a_flood_of_handshakes_an_honest_one_still_succeeds_with_a_cookie() {
    let limits = Limits { inits_per_s: 10, ..limits() };
    let mut world = World::with(&[10], 10, limits, 2);
    let gateway_key = world.gateway.public_key().to_text();
    for n in 0..30 {
        let stranger = StaticKey::generate(&mut |out: &mut [u8]| out.fill(100 + n));
        let mut flooder = world::endpoint(Role::Client, stranger, limits, 0, n);
        let remote = ([192, 0, 2, 1], 4774).into();
        flooder.command(0, world::open_path(1, [10, 9, 9, n].into(), remote)).unwrap();
        flooder.path_opened(0, 1, ([10, 9, 9, n], 5_000).into(), remote);
        flooder
            .command(0, Command::Dial { dial: 1, gateway_key: gateway_key.clone(), paths: vec![1], about: None })
            .unwrap();
        let mut init = flooder.transmit().unwrap().data;
        world.receive(Side::Gateway, gateway_route(([10, 9, 9, n], 5_000).into()), &mut init);
    }
    let to_strangers: u64 = world.bytes_to.values().sum();
    assert!(to_strangers <= 30 * 200, "no amplification");
    world.capturing = true;
    world.connect();
    assert!(world.capture.iter().any(|(to, _, data)| *to == Side::Client && data[0] == 0x04), "a cookie was asked for");
    assert!(world.drops(Side::Gateway, DropKind::CookieRequired) >= 20);
}

#[test]
fn a12_garbage_on_a_valid_index_is_dropped_and_counted_and_ends_in_a_rekey_at_the_limit() {
    let limits = Limits { rekey_after_failed_opens: 1_000, ..limits() };
    let mut world = World::with(&[10], 10, limits, 2);
    world.capturing = true;
    world.connect();
    let genuine =
        world.capture.iter().rev().find(|(to, _, data)| *to == Side::Gateway && data[0] == 0x10).unwrap().2.clone();
    let garbage = |world: &mut World, count: usize| {
        for n in 0..count as u64 {
            let mut forged = genuine.clone();
            forged[8..16].copy_from_slice(&(1_000_000 + n).to_le_bytes());
            forged[16] ^= 1;
            world.receive(Side::Gateway, gateway_route(([203, 0, 113, 9], 1).into()), &mut forged);
        }
    };
    let rotated = |report: &Report| matches!(report, Report::KeyRotated { trigger, .. } if trigger == "failed_opens");
    garbage(&mut world, 999);
    world.run(S);
    assert_eq!(world.count(Side::Gateway, rotated), 0);
    garbage(&mut world, 1);
    world.run(S);
    assert_eq!(world.count(Side::Gateway, rotated), 1);
    assert_eq!(world.drops(Side::Gateway, DropKind::BadTag), 1_000);
    world.flow = [MS, MS];
    world.run(S);
    assert_eq!((world.unsent, world.held), ([0, 0], [0, 0]));
    world.assert_honest();
}

#[test]
fn a12_a_message_to_an_unknown_index_gets_at_most_a_hint_and_few_of_these() {
    let mut world = World::ready(&[10], 10);
    world.bytes_to.clear();
    for n in 0..10_000_u32 {
        let mut forged = vec![0; 60];
        forged[0] = 0x10;
        forged[4..8].copy_from_slice(&n.to_le_bytes());
        let from = ([203, 0, (n % 50) as u8, 9], 1).into();
        world.receive(Side::Gateway, gateway_route(from), &mut forged);
    }
    assert!(world.bytes_to.values().sum::<u64>() <= 20 * 8);
    assert!(world.bytes_to.values().all(|bytes| *bytes <= 8));
}

#[test]
fn a10_a_forged_hint_is_a_report_at_most_each_ten_seconds_and_nothing_else() {
    let mut world = World::ready(&[10], 10);
    world.capturing = true;
    world.run(10 * MS);
    let sent = world.capture.iter().find(|(to, _, data)| *to == Side::Gateway && data[0] == 0x10).unwrap().2.clone();
    let before = identity(&mut world);
    for _ in 0..1_000 {
        let mut hint = vec![0x07, 1, 1, 0, sent[4], sent[5], sent[6], sent[7]];
        world.receive(Side::Client, route_to(Side::Client, 1), &mut hint);
        world.run(10 * MS);
    }
    assert_eq!(world.count(Side::Client, |report| matches!(report, Report::Hinted { .. })), 1);
    assert_eq!(identity(&mut world), before);
}

#[test]
fn a15_a_forged_huge_counter_moves_no_window() {
    let mut world = World::ready(&[10], 10);
    world.capturing = true;
    world.run(5 * MS);
    let mut forged =
        world.capture.iter().find(|(to, _, data)| *to == Side::Gateway && data[0] == 0x10).unwrap().2.clone();
    forged[8..16].copy_from_slice(&(u64::MAX - 1).to_le_bytes());
    world.receive(Side::Gateway, route_to(Side::Gateway, 1), &mut forged);
    let (delivered, sent) = (world.delivered_to(Side::Gateway), world.sent[0]);
    world.run(S);
    assert_eq!((world.delivered_to(Side::Gateway) - delivered) as u64, world.sent[0] - sent);
}

#[test]
fn a16_a_replayed_capture_keeps_no_black_hole_alive() {
    let mut world = World::ready(&[10, 10], 10);
    world.capturing = true;
    world.run(200 * MS);
    world.capturing = false;
    world.black_hole(1, true, true);
    let died = world.now;
    let capture: Vec<_> = world.capture.iter().filter(|(to, ..)| *to == Side::Client).cloned().collect();
    while world.now < died + 150 * MS {
        for (to, path, data) in capture.iter().take(50) {
            world.receive(*to, route_to(*to, *path), &mut data.clone());
        }
        world.run(MS);
    }
    let (at, _) = world.silent(Side::Client, 1).unwrap();
    assert!(at - died < 100 * MS);
    assert_eq!(world.delivered_twice(), 0);
}

#[test]
fn a23_an_address_that_a_client_only_claims_gets_three_times_its_bytes_and_then_silence() {
    let mut world = World::ready(&[10], 10);
    let victim = ([203, 0, 113, 7], 53).into();
    world.open(2, world::Link::with_delay(10 * MS));
    // What the client sends on path 2 arrives from the victim's address; no answer comes back.
    world.black_hole(2, true, true);
    world.capturing = true;
    let session = world.session();
    world.order(Command::AddCandidate { session, path: 2 });
    let (mut claimed, mut seen) = (0, 0);
    for _ in 0..100 {
        let copies: Vec<_> =
            world.capture[seen..].iter().filter(|(to, path, _)| *to == Side::Gateway && *path == 2).cloned().collect();
        seen = world.capture.len();
        for (_, _, data) in copies {
            claimed += data.len() as u64;
            world.receive(Side::Gateway, gateway_route(victim), &mut data.clone());
        }
        world.run(100 * MS);
    }
    let sent = *world.bytes_to.get(&victim).unwrap();
    assert!(claimed > 0 && sent > 0 && sent <= 3 * claimed, "{sent} for {claimed}");
    world.bytes_to.clear();
    world.run(60 * S);
    assert_eq!(world.bytes_to.get(&victim), None);
    let session = world.gateway_session.unwrap();
    assert_eq!(world.gateway.send_route(session, world.now).unwrap().path, 1);
}

#[test]
fn a32_data_relabelled_to_another_paths_index_is_delivered_and_credits_nothing() {
    let mut world = World::ready(&[10, 10], 10);
    let session = world.session();
    let index_of = |world: &mut World, path: PathId| {
        world.capture.clear();
        world.order(Command::SetProbing { session, interval_ms: 10 });
        world.run(50 * MS);
        let found = world.capture.iter().rev().find(|(to, on, _)| *to == Side::Gateway && *on == path).unwrap();
        let index: [u8; 4] = found.2[4..8].try_into().unwrap();
        index
    };
    world.capturing = true;
    let second = index_of(&mut world, 2);
    world.order(Command::SetProbing { session, interval_ms: 0 });
    world.flow = [0, 0];
    world.run(S);
    world.black_hole(1, true, true);
    world.capture.clear();
    world.send_inner(Side::Client);
    let mut relabelled = world.capture.iter().find(|(to, ..)| *to == Side::Gateway).unwrap().2.clone();
    relabelled[4..8].copy_from_slice(&second);
    let received = world.receive(Side::Gateway, route_to(Side::Gateway, 1), &mut relabelled);
    assert!(matches!(received, Received::Inner { .. }));
    world.assert_honest();
}

#[test]
fn a48_datagrams_of_any_size_and_content_are_dropped() {
    let mut world = World::ready(&[10], 10);
    let before = identity(&mut world);
    for len in (0..3_000).chain([65_535]) {
        for kind in [0_u8, 1, 2, 3, 4, 5, 6, 7, 0x10, 0xff] {
            let mut data = vec![kind; len];
            if len > 1 {
                data[1] = 1;
            }
            for side in [Side::Client, Side::Gateway] {
                let received = world.receive(side, route_to(side, 1), &mut data.clone());
                assert!(!matches!(received, Received::Inner { .. }));
            }
        }
    }
    world.run(S);
    assert_eq!(identity(&mut world), before);
    world.assert_honest();
}

#[test]
fn a03_an_init_whose_mac1_is_wrong_is_neither_answered_nor_read() {
    let mut world = World::new(&[10], 10);
    world.black_hole(1, true, false);
    world.capturing = true;
    world.dial();
    let mut init = world.capture.iter().find(|(_, _, data)| data[0] == 0x01).unwrap().2.clone();
    let mac1 = init.len() - 32;
    init[mac1] ^= 1;
    let received = world.receive(Side::Gateway, route_to(Side::Gateway, 1), &mut init.clone());
    assert_eq!((received, world.bytes_to.len()), (Received::Dropped(DropKind::InitMac1), 0));
    init[mac1] ^= 1;
    assert_eq!(world.receive(Side::Gateway, route_to(Side::Gateway, 1), &mut init), Received::Consumed);
}

#[test]
fn a12_garbage_under_a_counter_that_was_seen_is_dropped_unopened_and_wears_no_key() {
    let limits = Limits { rekey_after_failed_opens: 1_000, ..limits() };
    let mut world = World::with(&[10], 10, limits, 2);
    world.capturing = true;
    world.connect();
    let mut forged =
        world.capture.iter().rev().find(|(to, _, data)| *to == Side::Gateway && data[0] == 0x10).unwrap().2.clone();
    forged[16] ^= 1;
    for _ in 0..2_000 {
        let received = world.receive(Side::Gateway, route_to(Side::Gateway, 1), &mut forged.clone());
        assert_eq!(received, Received::Dropped(DropKind::Duplicate));
    }
    world.run(S);
    assert_eq!(world.count(Side::Gateway, |report| matches!(report, Report::KeyRotated { .. })), 0);
    world.assert_honest();
}

#[test]
fn a29_strangers_messages_under_a_live_sessions_index_change_nothing_of_it() {
    let mut world = World::ready(&[10], 10);
    world.capturing = true;
    world.run(5 * MS);
    world.capturing = false;
    let genuine = world.capture.iter().find(|(to, _, data)| *to == Side::Gateway && data[0] == 0x10).unwrap().2.clone();
    let before = identity(&mut world);
    world.bytes_to.clear();
    let stranger = gateway_route(([203, 0, 113, 9], 53).into());
    for n in 0..200_000_u64 {
        // As long as an ATTACH, with a counter that is still to come.
        let mut forged = [0; 78];
        forged[..8].copy_from_slice(&genuine[..8]);
        forged[8..16].copy_from_slice(&(1_000_000 + n).to_le_bytes());
        forged[16..24].copy_from_slice(&n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes());
        world.receive(Side::Gateway, stranger, &mut forged);
    }
    assert_eq!(world.bytes_to.len(), 0, "nothing is answered");
    let (sent, delivered) = (world.sent, world.delivered.len() as u64);
    world.run(S);
    assert_eq!(world.delivered.len() as u64 - delivered, world.sent[0] + world.sent[1] - sent[0] - sent[1]);
    assert_eq!(identity(&mut world), before);
    world.assert_honest();
}
