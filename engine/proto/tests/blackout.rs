//! Packets that were sent in a blackout arrive at once when it ends.
#![allow(clippy::unwrap_used, reason = "tests")]

mod world;

use jvpn_proto::messages::{AttachKind, Command, Report};
use world::{Link, MS, S, Side, World};

const RTT: u64 = 20 * MS;
/// Packet numbers that no flow of the test world reaches.
const FIRST: u64 = 1 << 20;

/// Both paths become silent, and the core gives them up at both ends; the flows stop.
fn blackout(world: &mut World) {
    world.flow = [0, 0];
    world.run(100 * MS);
    for path in [1, 2] {
        world.black_hole(path, true, true);
    }
    let (session, gateway_session) = (world.session(), world.gateway_session.unwrap());
    for path in [1, 2] {
        world.order(Command::SetPathDead { session, path, dead: true });
        world.order_gateway(Command::SetPathDead { session: gateway_session, path, dead: true });
    }
}

fn light(world: &mut World) {
    for path in [1, 2] {
        world.black_hole(path, false, false);
    }
}

fn delivered_at(world: &World, side: Side, number: u64) -> Option<u64> {
    world.delivered.get(&(side, number)).map(|(_, at)| *at)
}

#[test]
fn what_tcp_repeated_in_a_blackout_arrives_with_the_first_flight_after_it() {
    let mut world = World::ready(&[10, 10], 10);
    world.tcp = true;
    blackout(&mut world);
    // A segment of each direction, repeated with growing pauses.
    for pause in [200, 400, 800, 1_600, 3_200, 3_800] {
        for side in [Side::Client, Side::Gateway] {
            world.send_number(side, FIRST);
        }
        world.run(pause * MS);
    }
    light(&mut world);
    let returned = world.now;
    world.attach(2, 2, AttachKind::Switch);
    world.run(S);
    let (up, down) = (delivered_at(&world, Side::Gateway, FIRST), delivered_at(&world, Side::Client, FIRST));
    assert!(up.unwrap() - returned <= RTT / 2, "{up:?}");
    assert!(down.unwrap() - returned <= 2 * RTT, "{down:?}");
    assert_eq!(world.delivered_twice(), 0, "only the newest copy was kept");
    world.assert_honest();
}

#[test]
fn what_left_before_the_silence_was_noticed_arrives_with_the_first_flight_as_well() {
    let mut world = World::ready(&[10], 10);
    world.tcp = true;
    world.run(200 * MS);
    world.black_hole(1, true, true);
    // Sent before anybody notices the silence: it can arrive only from a copy that was made before any doubt.
    for side in [Side::Client, Side::Gateway] {
        world.send_number(side, FIRST);
    }
    world.flow = [0, 0];
    world.run(3 * S);
    assert!(world.silent(Side::Client, 1).is_some(), "the path was given up");
    world.black_hole(1, false, false);
    let returned = world.now;
    world.attach(1, 2, AttachKind::Revalidate);
    world.run(S);
    let (up, down) = (delivered_at(&world, Side::Gateway, FIRST), delivered_at(&world, Side::Client, FIRST));
    assert!(up.unwrap() - returned <= RTT, "{up:?}");
    assert!(down.unwrap() - returned <= 2 * RTT, "{down:?}");
    world.assert_honest();
}

#[test]
fn what_left_with_an_activation_that_was_lost_leaves_again_also_where_the_gateway_asked_to_wait() {
    let mut world = World::ready(&[10, 10], 10);
    world.tcp = true;
    blackout(&mut world);
    world.send_number(Side::Client, FIRST);
    world.answers = false;
    world.attach(2, 2, AttachKind::Reattach);
    world.run(15 * MS);
    light(&mut world);
    world.run(200 * MS);
    assert_eq!(delivered_at(&world, Side::Gateway, FIRST), None, "it was lost with the first ATTACH");
    let session = world.gateway_session.unwrap();
    let answer = Command::AnswerAttach { session, path: 2, bind_seq: 2, deny_reason: None, retry_after_ms: 0 };
    world.order_gateway(answer);
    world.run(100 * MS);
    assert!(delivered_at(&world, Side::Gateway, FIRST).is_some());
    world.assert_honest();
}

#[test]
fn what_waits_leaves_in_order_and_before_anything_newer() {
    let mut world = World::ready(&[10, 10], 10);
    world.tcp = true;
    blackout(&mut world);
    for number in FIRST..FIRST + 100 {
        world.send_number(Side::Client, number);
    }
    light(&mut world);
    world.capturing = true;
    world.attach(2, 2, AttachKind::Switch);
    world.send_number(Side::Client, FIRST + 100);
    // SWITCH first, then the inner packets in the order in which they were sent: the counters rise.
    let sent: Vec<u64> = world
        .capture
        .iter()
        .filter(|(to, path, _)| *to == Side::Gateway && *path == 2)
        .map(|(_, _, data)| u64::from_le_bytes(data[8..16].try_into().unwrap()))
        .collect();
    assert_eq!(sent.len(), 102);
    assert!(sent.is_sorted());
    assert_ne!(world.capture[0].2.len(), world.capture[1].2.len(), "the activation leads");
    world.run(S);
    assert!((FIRST..=FIRST + 100).all(|number| delivered_at(&world, Side::Gateway, number).is_some()));
    assert_eq!(world.delivered_twice(), 0);
}

#[test]
fn datagrams_are_kept_for_a_second() {
    let mut world = World::ready(&[10, 10], 10);
    blackout(&mut world);
    world.send_number(Side::Client, FIRST);
    world.run(900 * MS);
    world.send_number(Side::Client, FIRST + 1);
    world.run(300 * MS);
    light(&mut world);
    world.attach(1, 2, AttachKind::Switch);
    world.run(S);
    assert_eq!(delivered_at(&world, Side::Gateway, FIRST), None);
    assert!(delivered_at(&world, Side::Gateway, FIRST + 1).is_some());
}

#[test]
fn an_activation_that_leads_nowhere_costs_nothing_of_what_waits() {
    let mut world = World::ready(&[10, 10], 10);
    world.tcp = true;
    blackout(&mut world);
    world.send_number(Side::Client, FIRST);
    let session = world.session();
    world.attach(1, 2, AttachKind::Switch);
    assert!(world.run_until(3 * S, |report| matches!(report, Report::AttachUnanswered { .. })));
    world.order(Command::AbortAttach { session, bind_seq: 2, restore: None });
    world.open(3, Link::with_delay(10 * MS));
    world.attach(3, 3, AttachKind::Reattach);
    world.run(S);
    assert!(delivered_at(&world, Side::Gateway, FIRST).is_some());
}

#[test]
fn a_lost_first_flight_is_made_up_for_when_the_way_is_proved() {
    let mut world = World::ready(&[10, 10], 10);
    world.tcp = true;
    blackout(&mut world);
    world.send_number(Side::Client, FIRST);
    world.attach(1, 2, AttachKind::Switch);
    light(&mut world);
    world.run(S);
    assert!(delivered_at(&world, Side::Gateway, FIRST).is_some());
    assert_eq!(world.delivered_twice(), 0);
}

#[test]
fn a_blackout_too_short_for_a_verdict_is_made_up_for_as_well() {
    let mut world = World::ready(&[10], 10);
    world.tcp = true;
    world.black_hole(1, true, true);
    world.run(500 * MS);
    world.flow = [0, 0];
    world.send_number(Side::Client, FIRST);
    world.run(200 * MS);
    world.black_hole(1, false, false);
    world.run(300 * MS);
    assert_eq!(world.silent(Side::Client, 1), None);
    assert!(delivered_at(&world, Side::Gateway, FIRST).is_some());
}

#[test]
fn a_false_suspicion_sends_nothing_again() {
    let mut world = World::ready(&[10], 10);
    world.tcp = true;
    world.stalled[1] = world.now + 60 * MS;
    world.run(2 * S);
    assert!(world.count(Side::Client, |report| matches!(report, Report::PathCleared { .. })) >= 1);
    assert_eq!((world.delivered_twice(), world.held), (0, [0, 0]));
    assert_eq!(world.delivered_to(Side::Gateway) as u64, world.sent[0] - 10, "all but those under way");
}

#[test]
fn a_blackout_longer_than_the_life_of_a_key_keeps_what_waits_until_the_rekey() {
    let limits = jvpn_proto::endpoint::Limits { rekey_after_us: 3 * S, reject_after_us: 5 * S, ..world::limits() };
    let mut world = World::with(&[10, 10], 10, limits, 2);
    world.connect();
    world.tcp = true;
    blackout(&mut world);
    world.run(10 * S);
    world.send_number(Side::Client, FIRST);
    light(&mut world);
    world.attach(2, 2, AttachKind::Switch);
    world.run(S);
    assert!(delivered_at(&world, Side::Gateway, FIRST).is_some());
    world.assert_honest();
}

#[test]
fn what_was_released_for_a_session_that_ends_in_the_same_moment_is_not_sent() {
    let mut world = World::ready(&[10, 10], 10);
    world.tcp = true;
    blackout(&mut world);
    world.send_number(Side::Client, FIRST);
    assert_eq!(world.held[0], 1);
    let (session, now) = (world.session(), world.now);
    let reattach =
        Command::Attach { session, path: 2, bind_seq: 2, kind: AttachKind::Reattach, reason: "test".to_owned() };
    world.client.command(now, reattach).unwrap();
    world.client.command(now, Command::ForgetSession { session }).unwrap();
    assert_eq!(world.client.next_released(), None);
}
