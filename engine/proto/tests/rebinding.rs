//! A path is rebound to a new address of its client, and to no other address. Ids as in the attack list.
#![allow(clippy::unwrap_used, reason = "tests")]

mod world;

use std::net::SocketAddr;

use jvpn_proto::blame::DropKind;
use jvpn_proto::messages::{Command, PathId, Report};
use world::{Link, MS, S, Side, World, client_address, gateway_route};

const RTT: u64 = 20 * MS;

fn attacker() -> SocketAddr {
    ([203, 0, 113, 9], 6_666).into()
}

/// The n-th new port of the address translator on a path.
fn mapping(n: u16) -> SocketAddr {
    ([198, 51, 100, 1], 20_000 + n).into()
}

fn rebound(report: &Report) -> bool {
    matches!(report, Report::PathRebound { .. })
}

fn remote_of(world: &mut World) -> SocketAddr {
    let (session, now) = (world.gateway_session.unwrap(), world.now);
    world.gateway.send_route(session, now).unwrap().route.remote
}

/// Neither end has given a path up, and no switch happened.
fn assert_undisturbed(world: &World) {
    for side in [Side::Client, Side::Gateway] {
        assert_eq!(world.count(side, |report| matches!(report, Report::PathSilent { .. })), 0, "{side:?}");
    }
    assert_eq!(world.count(Side::Client, |report| matches!(report, Report::AttachValidated { .. })), 1);
    assert_eq!(world.count(Side::Gateway, |report| matches!(report, Report::AttachRequested { .. })), 0);
    world.assert_honest();
}

/// When the first packet after a given time arrived at the client.
fn first_down_after(world: &World, after: u64) -> u64 {
    let arrivals = world.delivered.iter().filter(|((to, _), (_, at))| *to == Side::Client && *at > after);
    arrivals.map(|(_, (_, at))| *at).min().unwrap()
}

#[test]
fn a18_a_copy_from_a_spoofed_source_that_arrives_first_moves_nothing() {
    let mut world = World::ready(&[10, 10], 10);
    // Every 7th message: with a round number such as 100, the probes would never be copied.
    world.thief = Some((1, attacker(), 7));
    world.capturing = true;
    world.run(30 * S);
    let stolen: u64 = world
        .capture
        .iter()
        .filter(|(to, path, _)| *to == Side::Gateway && *path == 1)
        .map(|(_, _, data)| data.len() as u64)
        .sum();
    let sent = world.bytes_to.get(&attacker()).copied().unwrap_or(0);
    assert!(sent > 0 && sent <= 3 * stolen / 7, "{sent} for {stolen}");
    assert!(sent < 3_000, "{sent}: the address is ignored for ten seconds after each refusal");
    assert_eq!(world.count(Side::Gateway, rebound), 0);
    assert_eq!(remote_of(&mut world), client_address(1));
    assert_eq!(world.delivered_twice(), 0);
    assert_undisturbed(&world);
}

/// Length of a DATA that holds one PATH_RESPONSE.
const PATH_RESPONSE: usize = 16 + 3 + 20 + 16;
/// Length of a DATA that holds one ATTACH_ACK without a reason.
const ATTACH_ACK: usize = 16 + 3 + 62 + 16;

#[test]
fn a28_answers_held_back_while_a_standby_changed_its_port_ten_times_blame_nobody() {
    let mut world = World::ready(&[10, 10], 10);
    world.relays.insert(client_address(2), 2);
    world.keep_back = Some((Side::Gateway, 2, PATH_RESPONSE));
    for n in 0..10 {
        world.moved.insert(2, mapping(n));
        world.relays.insert(mapping(n), 2);
        world.run(5 * S);
    }
    assert!(world.kept_back.len() > 10, "{} answers", world.kept_back.len());
    world.moved.clear();
    world.let_go();
    world.run(S);
    world.assert_honest();
}

#[test]
fn a28_answers_to_a_candidate_held_back_over_many_attempts_blame_nobody() {
    let mut world = World::ready(&[10, 10], 10);
    world.keep_back = Some((Side::Client, 2, ATTACH_ACK));
    for _ in 0..12 {
        let session = world.session();
        world.order(Command::AddCandidate { session, path: 2 });
        world.run(S);
    }
    assert!(world.kept_back.len() > 12, "{} answers", world.kept_back.len());
    world.let_go();
    world.run(S);
    world.assert_honest();
}

/// Length of a DATA that holds one PROBE_REPLY.
const PROBE_REPLY: usize = 16 + 3 + 48 + 16;

/// The answers to probes of the path's first life arrive in its second, when fewer probes were sent than in the first.
#[test]
fn a28_answers_to_probes_of_a_path_that_was_taken_again_under_its_id_blame_nobody() {
    let mut world = World::ready(&[10, 10], 10);
    // Slow enough that the replay window does not pass over the answers.
    world.flow = [20 * MS, 20 * MS];
    world.keep_back = Some((Side::Gateway, 2, PROBE_REPLY));
    world.run(300 * S);
    assert!(world.kept_back.len() > 2, "{} answers", world.kept_back.len());
    let session = world.session();
    world.order(Command::ClosePath { path: 2, reason: "test".to_owned() });
    world.run(S);
    world.open(2, Link::with_delay(10 * MS));
    world.order(Command::AddCandidate { session, path: 2 });
    world.capturing = true;
    world.run(35 * MS);
    // The index of the path's first life is gone, but the seal covers no index: that of another path stands in.
    let of_path_1 = |(to, path, _): &&(Side, PathId, Vec<u8>)| (*to, *path) == (Side::Gateway, 1);
    let index: [u8; 4] = world.capture.iter().find(of_path_1).unwrap().2[4..8].try_into().unwrap();
    for kept_back in &mut world.kept_back {
        kept_back.data[4..8].copy_from_slice(&index);
    }
    world.let_go();
    world.run(2 * S);
    assert!(world.drops(Side::Gateway, DropKind::StaleReply) > 0);
    world.assert_honest();
}

#[test]
fn a19_an_attacker_who_relays_on_gets_nothing_while_the_old_address_lives() {
    for nth in [2, 3, 5, 7] {
        let mut world = World::ready(&[10, 10], 10);
        world.thief = Some((1, attacker(), nth));
        world.relays.insert(attacker(), 1);
        world.run(30 * S);
        assert_eq!(world.count(Side::Gateway, rebound), 0);
        assert_eq!(remote_of(&mut world), client_address(1));
        assert_undisturbed(&world);
    }
}

#[test]
fn a20_a_relay_is_out_of_the_path_as_soon_as_the_client_has_left_it() {
    let mut world = World::new(&[10, 10], 10);
    world.moved.insert(1, attacker());
    world.connect();
    world.flow = [MS, MS];
    world.run(S);
    assert_eq!(remote_of(&mut world), attacker());
    world.moved.insert(1, mapping(1));
    world.relays.insert(attacker(), 1);
    let left = world.now;
    assert!(world.run_until(S, rebound));
    // The next probe, then one validation: 3·PTO.
    assert!(world.now - left <= 100 * MS + RTT + 3 * (RTT + 25 * MS), "{} ms", (world.now - left) / MS);
    assert_eq!(remote_of(&mut world), mapping(1));
    assert_undisturbed(&world);
}

#[test]
fn a21_a_new_mapping_shows_within_a_round_trip_and_is_no_switch() {
    for delays in [&[10, 10][..], &[10], &[80, 80], &[1, 1]] {
        let mut world = World::ready(delays, 10);
        let rtt = 2 * delays[0] * MS;
        world.moved.insert(1, mapping(1));
        let moved = world.now;
        world.run(2 * S);
        let (at, remote) = world
            .find(Side::Gateway, |report| match report {
                Report::PathRebound { path: 1, description, .. } => Some(description.remote),
                _ => None,
            })
            .unwrap_or_else(|| panic!("{delays:?}"));
        assert_eq!(remote, mapping(1));
        assert_eq!(world.count(Side::Gateway, rebound), 1);
        // The client's suspicion, its probe, the answer: packets sent to the old mapping before that are lost.
        let gap = first_down_after(&world, moved + rtt / 2) - moved;
        assert!(gap <= 40 * MS + 3 * rtt / 2, "{delays:?}: {} ms", gap / MS);
        assert!(at - moved <= 100 * MS + 6 * rtt, "{delays:?}: {} ms", (at - moved) / MS);
        assert_eq!(world.delivered_twice(), 0);
        assert_undisturbed(&world);
        let before = world.delivered.len();
        world.run(S);
        assert!(world.delivered.len() - before >= 1_990, "{delays:?}: both directions flow");
    }
}

#[test]
fn a21_a_new_mapping_is_found_while_an_attacker_races_copies() {
    let mut world = World::ready(&[10], 10);
    world.thief = Some((1, attacker(), 3));
    world.run(S);
    world.moved.insert(1, mapping(1));
    world.run(2 * S);
    assert_eq!(remote_of(&mut world), mapping(1));
    assert_eq!(world.count(Side::Gateway, rebound), 1);
    assert_undisturbed(&world);
}

#[test]
fn a21_the_mapping_of_a_standby_may_change_as_well() {
    let mut world = World::ready(&[10, 10], 10);
    world.moved.insert(2, mapping(2));
    world.run(12 * S);
    assert_eq!(world.count(Side::Gateway, |report| matches!(report, Report::PathRebound { path: 2, .. })), 1);
    assert_undisturbed(&world);
}

#[test]
fn a21_an_idle_session_is_found_again_with_its_next_keepalive() {
    let mut world = World::ready(&[10], 10);
    world.flow = [0, 0];
    world.run(5 * S);
    world.moved.insert(1, mapping(1));
    world.run(30 * S);
    assert_eq!(remote_of(&mut world), mapping(1));
    assert_undisturbed(&world);
}

#[test]
fn a22_a_thousand_rebindings_a_second_are_ten_in_a_minute() {
    let mut world = World::ready(&[10], 10);
    world.flow = [20 * MS, 20 * MS];
    let began = world.now;
    let mut n = 0;
    while world.now < began + 55 * S {
        n += 1;
        world.moved.insert(1, mapping(n % 40_000));
        world.run(MS);
    }
    // Slow enough that each new mapping answers before the next one appears.
    while world.now < began + 59 * S {
        n += 1;
        world.moved.insert(1, mapping(n % 40_000));
        world.run(S / 2);
    }
    let count = world.count(Side::Gateway, rebound);
    assert!((1..=10).contains(&count), "{count}");
    world.assert_honest();
}

#[test]
fn a22_ten_rebindings_in_a_minute_and_the_eleventh_after_it() {
    let mut world = World::ready(&[10], 10);
    world.flow = [20 * MS, 20 * MS];
    let began = world.now;
    for n in 0..12 {
        world.moved.insert(1, mapping(n));
        world.run(900 * MS);
    }
    assert_eq!(world.count(Side::Gateway, rebound), 10);
    world.run(began + 62 * S - world.now);
    assert_eq!(world.count(Side::Gateway, rebound), 11);
}

/// Length of a DATA that holds one PROBE.
const PROBE: usize = 16 + 3 + 40 + 16;

#[test]
fn a18_a_probe_that_was_held_back_moves_nothing_when_it_arrives_from_elsewhere() {
    let mut world = World::ready(&[10, 10], 10);
    world.keep_back = Some((Side::Gateway, 1, PROBE));
    world.run(150 * MS);
    world.keep_back = None;
    world.run(50 * MS);
    let late = std::mem::take(&mut world.kept_back);
    assert!(!late.is_empty());
    for mut probe in late {
        world.receive(Side::Gateway, gateway_route(attacker()), &mut probe.data);
    }
    world.run(S);
    assert_eq!(world.bytes_to.get(&attacker()), None);
    assert!(world.drops(Side::Gateway, DropKind::PathMismatch) >= 1);
    assert_eq!(remote_of(&mut world), client_address(1));
    assert_undisturbed(&world);
}
