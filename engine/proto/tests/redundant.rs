//! Redundant mode: every packet on two paths, and what this must not break. Ids as in the attack list.
#![allow(clippy::unwrap_used, reason = "tests")]

mod world;

use jvpn_proto::blame::DropKind;
use jvpn_proto::messages::{AttachKind, Command, PathId, PathStats, Report};
use world::{MS, S, Side, World, client_address};

const I: u64 = 10 * MS;
const RTT: u64 = 20 * MS;

/// Numbers below `count` that never arrived at one side.
fn missing(world: &World, to: Side, count: u64) -> Vec<u64> {
    (0..count).filter(|number| !world.delivered.contains_key(&(to, *number))).collect()
}

/// Waits until everything has arrived, then checks that each inner packet arrived at the other end once.
fn assert_nothing_lost(world: &mut World) {
    world.flow = [0, 0];
    world.run(S);
    assert_eq!((world.unsent, world.held), ([0; 2], [0; 2]), "no packet waited for a path");
    assert_eq!(missing(world, Side::Gateway, world.sent[0]), [0_u64; 0], "uplink");
    assert_eq!(missing(world, Side::Client, world.sent[1]), [0_u64; 0], "downlink");
    assert_eq!(world.delivered_twice(), 0);
    world.assert_honest();
}

/// The newest statistics of a path on one side.
fn stats(world: &World, side: Side, path: PathId) -> PathStats {
    let of_path = |report: &Report| match report {
        Report::Stats { paths } => paths.iter().find(|stats| stats.path == path).cloned(),
        _ => None,
    };
    world.reports.iter().rev().filter(|(_, of, _)| *of == side).find_map(|(_, _, report)| of_path(report)).unwrap()
}

/// Does what a client's core does after a verdict: switches to the other path.
fn run_with_jumps(world: &mut World, span: u64, to: PathId, bind_seq: u64) {
    let end = world.now + span;
    let silent = |report: &Report| matches!(report, Report::PathSilent { .. });
    while world.now < end && world.silent(Side::Client, 3 - to).is_none() {
        world.run_until(end - world.now, silent);
    }
    let session = world.session();
    world.order(Command::SetPathDead { session, path: 3 - to, dead: true });
    world.attach(to, bind_seq, AttachKind::Switch);
    world.run(end - world.now);
}

#[test]
fn a16_every_packet_goes_out_on_two_paths_and_arrives_once() {
    let mut world = World::redundant(&[10, 30], 10);
    world.capturing = true;
    let before = (world.sent[0] + world.sent[1], world.copies);
    world.run(2 * S);
    let sent = world.sent[0] + world.sent[1] - before.0;
    assert_eq!(world.copies - before.1, sent, "one copy of each");
    world.assert_nonces_unique();
    assert_eq!(world.drops(Side::Client, DropKind::Duplicate) + world.drops(Side::Gateway, DropKind::Duplicate), 0);
    assert_nothing_lost(&mut world);
}

#[test]
fn the_death_of_the_send_path_loses_nothing_in_either_direction() {
    for (up, down) in [(true, true), (true, false), (false, true)] {
        for delays in [[10, 10], [40, 2], [2, 40]] {
            let mut world = World::redundant(&delays, 10);
            // TCP segments could be held and then sent twice.
            world.tcp = true;
            world.black_hole(1, up, down);
            run_with_jumps(&mut world, 2 * S, 2, 2);
            assert!(world.silent(Side::Client, 1).is_some(), "{delays:?} {up} {down}");
            assert!(world.silent(Side::Client, 2).is_none(), "{delays:?} {up} {down}");
            assert_nothing_lost(&mut world);
        }
    }
}

#[test]
fn without_a_send_path_the_companion_carries_until_the_core_has_chosen() {
    let mut world = World::redundant(&[10, 10], 10);
    world.black_hole(1, true, true);
    let (client, gateway) = (world.session(), world.gateway_session.unwrap());
    world.order(Command::SetPathDead { session: client, path: 1, dead: true });
    world.order_gateway(Command::SetPathDead { session: gateway, path: 1, dead: true });
    world.run(S);
    assert_eq!(world.client.send_route(client, world.now).unwrap().path, 2);
    assert_eq!(world.gateway.send_route(gateway, world.now).unwrap().route.remote, client_address(2));
    assert_nothing_lost(&mut world);
}

#[test]
fn the_death_of_the_companion_is_noticed_within_its_class_and_a_third_path_takes_its_place() {
    for (up, down) in [(true, true), (true, false), (false, true)] {
        let mut world = World::redundant(&[10, 10, 20], 10);
        let died = world.now;
        world.black_hole(2, up, down);
        world.run(S);
        let (at, _) = world.silent(Side::Client, 2).unwrap();
        // The run of probes, six intervals, a round trip of the other path, one PTO: half of the time that a standby
        // has otherwise.
        assert!(at - died <= RTT + 7 * I + RTT + 60 * MS, "{up} {down}: {} ms", (at - died) / MS);
        assert!(world.silent(Side::Client, 1).is_none() && world.silent(Side::Client, 3).is_none());
        let session = world.session();
        world.order(Command::SetPathDead { session, path: 2, dead: true });
        world.run(S);
        let copy = world.client.send_route(session, world.now).unwrap().copies[0].unwrap();
        assert_eq!((copy.path, copy.budget), (3, u64::MAX));
        assert_nothing_lost(&mut world);
    }
}

#[test]
fn the_slower_path_does_not_look_lossy() {
    let mut world = World::redundant(&[5, 60], 10);
    for link in world.links.values_mut() {
        (link.up.jitter, link.down.jitter) = (2 * MS, 2 * MS);
    }
    world.run(5 * S);
    for side in [Side::Client, Side::Gateway] {
        for path in [1, 2] {
            let of = stats(&world, side, path);
            assert!(of.up_sent > 300 && of.down_sent > 300, "{side:?} {of:?}");
            // Packets in flight between two snapshots of the peer are not lost.
            let under_way = of.up_sent.abs_diff(of.up_received).max(of.down_sent.abs_diff(of.down_received));
            assert!(under_way <= 25, "{side:?} {of:?}");
            assert!(of.answering, "{side:?} {of:?}");
        }
    }
    assert_eq!(world.silent(Side::Client, 2), None);
    assert_nothing_lost(&mut world);
}

#[test]
fn the_loss_of_each_path_is_measured_on_its_own() {
    let mut world = World::redundant(&[10, 10], 10);
    let link = world.links.get_mut(&2).unwrap();
    (link.up.loss, link.down.loss) = (0.2, 0.2);
    let before = stats(&world, Side::Client, 2);
    world.run(10 * S);
    let after = stats(&world, Side::Client, 2);
    let sent = (after.up_sent - before.up_sent) as f64;
    let lost = 1.0 - (after.up_received - before.up_received) as f64 / sent;
    assert!((0.14..0.26).contains(&lost), "{lost} of {sent}");
    let clean = stats(&world, Side::Client, 1);
    assert!(clean.up_sent.abs_diff(clean.up_received) <= 15, "{clean:?}");
    assert_nothing_lost(&mut world);
}

#[test]
fn five_percent_of_loss_on_both_paths_kills_neither() {
    for liveness_ms in [10, 50] {
        let mut world = World::redundant(&[10, 10], liveness_ms);
        for link in world.links.values_mut() {
            (link.up.loss, link.down.loss) = (0.05, 0.05);
        }
        world.flow = [500 * MS, 500 * MS];
        world.run(120 * S);
        for side in [Side::Client, Side::Gateway] {
            assert_eq!(world.silent(side, 1), None, "{side:?} at {liveness_ms}");
            assert_eq!(world.silent(side, 2), None, "{side:?} at {liveness_ms}");
        }
        world.assert_honest();
    }
}

#[test]
fn a_gateway_that_stalls_kills_no_path() {
    for delays in [[10, 10], [40, 2], [2, 40]] {
        let mut world = World::redundant(&delays, 10);
        for stall_ms in [100, 100, 250, 400] {
            world.stalled[1] = world.now + stall_ms * MS;
            world.run(stall_ms * MS);
            world.gateway.stall(world.now, stall_ms * MS);
            world.run(600 * MS);
        }
        for path in [1, 2] {
            for side in [Side::Client, Side::Gateway] {
                assert_eq!(world.silent(side, path), None, "path {path} of {delays:?} at the {side:?}");
            }
        }
    }
}

#[test]
fn a21_a_new_mapping_of_either_path_or_of_both_is_followed_and_is_no_switch() {
    for moved in [&[1][..], &[2], &[1, 2]] {
        for racing in [false, true] {
            let mut world = World::redundant(&[10, 10], 10);
            if racing {
                world.thief = Some((moved[0], ([203, 0, 113, 9], 6_666).into(), 3));
                world.run(S);
            }
            let before = world.now;
            for path in moved {
                world.moved.insert(*path, ([198, 51, 100, 1], 20_000 + *path as u16).into());
            }
            world.run(2 * S);
            let rebound = |report: &Report| matches!(report, Report::PathRebound { .. });
            assert_eq!(world.count(Side::Gateway, rebound), moved.len(), "{moved:?} {racing}");
            for path in moved {
                let of_path = |report: &Report| matches!(report, Report::PathRebound { path: of, .. } if of == path);
                let at = world.reports.iter().find(|(_, _, report)| of_path(report)).unwrap().0;
                // The next probe, half a round trip, then the challenge: three round trips or a PTO.
                assert!(at - before <= I + 4 * RTT + 40 * MS, "{moved:?} {racing}: {} ms", (at - before) / MS);
            }
            assert_eq!(world.count(Side::Gateway, |report| matches!(report, Report::PathSilent { .. })), 0);
            assert_eq!(world.count(Side::Gateway, |report| matches!(report, Report::AttachRequested { .. })), 0);
            if moved.len() == 1 {
                assert_nothing_lost(&mut world);
            } else {
                // Packets sent to two addresses that do not exist any more are lost until the client is heard from its
                // new ones.
                let seen: Vec<u64> =
                    world.delivered.iter().filter(|((to, _), _)| *to == Side::Client).map(|(_, (_, at))| *at).collect();
                let gap = longest_gap(seen);
                assert!(gap <= RTT + 3 * I, "{} ms", gap / MS);
            }
        }
    }
}

fn longest_gap(mut arrivals: Vec<u64>) -> u64 {
    arrivals.sort_unstable();
    arrivals.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap()
}

#[test]
fn a23_copies_go_to_validated_paths_alone() {
    let mut world = World::redundant(&[10], 10);
    let session = world.session();
    assert_eq!(world.client.send_route(session, world.now).unwrap().copies, [None; 3]);
    world.open(2, world::Link::with_delay(10 * MS));
    world.black_hole(2, false, true);
    world.order(Command::AddCandidate { session, path: 2 });
    world.run(500 * MS);
    let gateway = world.gateway_session.unwrap();
    assert_eq!(world.gateway.send_route(gateway, world.now).unwrap().copies, [None; 3]);
    assert!(world.bytes_to.get(&client_address(2)).is_some_and(|bytes| *bytes < 1_000), "{:?}", world.bytes_to);
    assert_nothing_lost(&mut world);
}

#[test]
fn a_redundant_session_that_is_idle_sends_its_keepalive_and_nothing_else() {
    let mut world = World::redundant(&[10, 10], 10);
    world.flow = [0, 0];
    world.run(10 * S);
    world.capturing = true;
    world.run(100 * S);
    assert!((8..=14).contains(&world.capture.len()), "{}", world.capture.len());
}

#[test]
fn a_planned_switch_between_the_two_loses_nothing() {
    let mut world = World::redundant(&[10, 30], 10);
    for (n, path) in [2, 1, 2, 1, 2].into_iter().enumerate() {
        world.attach(path, n as u64 + 2, AttachKind::Switch);
        world.run(300 * MS);
    }
    for side in [Side::Client, Side::Gateway] {
        assert_eq!(world.count(side, |report| matches!(report, Report::PathSilent { .. })), 0);
    }
    assert_nothing_lost(&mut world);
}

#[test]
fn a_client_that_cannot_do_it_gets_failover_and_both_cores_are_told() {
    let mut world = World::redundant_in_vain(&[10, 10], 10);
    let granted = |world: &World| {
        let at_client = world.find(Side::Client, |report| match report {
            Report::HandshakeDone { offer, .. } => Some(offer.redundant),
            _ => None,
        });
        let at_gateway = world.find(Side::Gateway, |report| match report {
            Report::HandshakeConfirmed { redundant, .. } => Some(*redundant),
            _ => None,
        });
        [at_client.unwrap().1, at_gateway.unwrap().1]
    };
    assert_eq!(granted(&world), [false, false]);
    assert_eq!(world.copies, 0);
    assert_nothing_lost(&mut world);
    assert_eq!(granted(&World::redundant(&[10, 10], 10)), [true, true]);
}

#[test]
fn after_a_blackout_of_both_paths_what_tcp_sent_in_it_leaves_with_the_first_flight() {
    let mut world = World::redundant(&[10, 10], 10);
    world.tcp = true;
    let session = world.session();
    let swallowed = world.sent[0];
    for path in [1, 2] {
        world.black_hole(path, true, true);
    }
    world.run(50 * MS);
    world.flow = [0, 0];
    for path in [1, 2] {
        assert!(world.run_until(4 * S, |report| matches!(report, Report::PathSilent { path: of, .. } if *of == path)));
        world.order(Command::SetPathDead { session, path, dead: true });
    }
    assert_eq!(world.client.send_route(session, world.now), None);
    for path in [1, 2] {
        world.black_hole(path, false, false);
    }
    world.attach(2, 2, AttachKind::Switch);
    world.run(S);
    assert_eq!(missing(&world, Side::Gateway, world.sent[0]), [0_u64; 0], "from {swallowed} on");
    assert_eq!(world.delivered_twice(), 0);
}

#[test]
fn a_path_that_returns_carries_copies_in_both_directions_as_soon_as_one_end_has_noticed() {
    let mut world = World::redundant(&[10, 10], 10);
    let (client, gateway) = (world.session(), world.gateway_session.unwrap());
    world.black_hole(2, true, true);
    world.run(S);
    assert!(world.silent(Side::Client, 2).is_some() && world.silent(Side::Gateway, 2).is_some());
    world.order(Command::SetPathDead { session: client, path: 2, dead: true });
    // The client probes the path; the gateway probes it every five seconds.
    world.order(Command::SetProbing { session: client, interval_ms: 700 });
    world.run(2 * S);
    world.black_hole(2, false, false);
    let alive = |report: &Report| matches!(report, Report::PathAlive { path: 2, .. });
    assert!(world.run_until(6 * S, alive));
    let noticed = world.now;
    world.order(Command::SetPathDead { session: client, path: 2, dead: false });
    world.order_gateway(Command::SetPathDead { session: gateway, path: 2, dead: false });
    while world.count(Side::Gateway, alive) == 0 || world.count(Side::Client, alive) == 0 {
        assert!(world.run_until(3 * RTT, alive), "{} ms", (world.now - noticed) / MS);
    }
    assert!(world.now - noticed <= 2 * RTT + I, "{} ms", (world.now - noticed) / MS);
    let copy = world.gateway.send_route(gateway, world.now).unwrap().copies[0].unwrap();
    assert_eq!(copy.route.remote, client_address(2));
    assert_nothing_lost(&mut world);
}

#[test]
fn a_companion_stays_although_another_path_is_a_little_faster_and_leaves_for_a_much_faster_one() {
    for (delay, expected) in [(13, 2), (2, 3)] {
        let mut world = World::redundant(&[10, 15], 10);
        world.open(3, world::Link::with_delay(delay * MS));
        let session = world.session();
        world.order(Command::AddCandidate { session, path: 3 });
        world.run(2 * S);
        let copy = world.client.send_route(session, world.now).unwrap().copies[0].unwrap();
        assert_eq!(copy.path, expected, "{delay} ms");
        assert_nothing_lost(&mut world);
    }
}
