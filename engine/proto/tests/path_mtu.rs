//! The largest packet size of each path is found, verified, and found again, whatever else happens on the path.
#![allow(clippy::unwrap_used, reason = "tests")]

mod world;

use jvpn_proto::endpoint::SizedFor;
use jvpn_proto::messages::{AttachKind, Command, PathId, PathStats, Report};
use proptest::prelude::*;
use world::{MS, S, Side, World};

/// A gap of this size is not searched further.
const STEP: usize = 8;
/// Headers of IPv4, UDP and DATA, and the tag.
const OVERHEAD: usize = 20 + 8 + 32;
/// Shorter messages are not size probes.
const BASE_MESSAGE: usize = 1_280 - 28;

fn hole(world: &mut World, path: PathId, mtu: usize) {
    let link = world.links.get_mut(&path).unwrap();
    (link.up.mtu, link.down.mtu) = (mtu, mtu);
}

/// Connected and idle; no search has run yet.
fn idle(delays_ms: &[u64]) -> World {
    let mut world = World::new(delays_ms, 50);
    world.connect();
    world
}

fn sizes(world: &World, side: Side, path: PathId) -> Vec<(u16, bool)> {
    let of_path = |report: &Report| match *report {
        Report::PathMtu { path: of, mtu, black_hole, .. } if of == path => Some((mtu, black_hole)),
        _ => None,
    };
    world.reports.iter().filter(|(_, of, _)| *of == side).filter_map(|(.., report)| of_path(report)).collect()
}

fn packet_max(world: &mut World, side: Side) -> usize {
    let session = if side == Side::Client { world.session } else { world.gateway_session };
    let now = world.now;
    usize::from(world.endpoint(side).send_route(session.unwrap(), now).unwrap().packet_max)
}

fn probes_on_the_wire(world: &World) -> usize {
    world.capture.iter().filter(|(.., data)| data.len() >= BASE_MESSAGE).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_search_ends_within_a_step_of_the_hole_in_a_bounded_number_of_probes(mtu in 1_280_usize..=1_500, delay in 1_u64..150) {
        let mut world = idle(&[delay]);
        hole(&mut world, 1, mtu);
        world.capturing = true;
        world.flow = [20 * MS, 20 * MS];
        world.run(12 * S);
        for side in [Side::Client, Side::Gateway] {
            let found = sizes(&world, side, 1);
            prop_assert_eq!(found.len(), 1, "{:?}", found);
            let (found, black_hole) = (usize::from(found[0].0), found[0].1);
            prop_assert!(found <= mtu && mtu - found < STEP && !black_hole, "{} of {}", found, mtu);
            prop_assert_eq!(packet_max(&mut world, side), found - OVERHEAD);
        }
        prop_assert!(probes_on_the_wire(&world) <= 2 * 64, "{} probes", probes_on_the_wire(&world));
    }

    #[test]
    fn a_path_below_the_base_is_found_as_well(mtu in 600_usize..1_280) {
        let mut world = idle(&[10]);
        hole(&mut world, 1, mtu);
        world.flow = [20 * MS, 20 * MS];
        world.run(12 * S);
        let found = usize::from(sizes(&world, Side::Client, 1)[0].0);
        prop_assert!(found <= mtu && mtu - found < STEP, "{} of {}", found, mtu);
    }

    #[test]
    fn a_search_in_two_percent_of_loss_finds_the_same(mtu in 1_280_usize..=1_500, seed in any::<u8>()) {
        let mut world = World::with(&[20], 50, world::limits(), seed);
        world.connect();
        hole(&mut world, 1, mtu);
        let link = world.links.get_mut(&1).unwrap();
        (link.up.loss, link.down.loss) = (0.02, 0.02);
        world.flow = [20 * MS, 20 * MS];
        world.run(15 * S);
        for side in [Side::Client, Side::Gateway] {
            let found = usize::from(sizes(&world, side, 1)[0].0);
            prop_assert!(found <= mtu && mtu - found < STEP, "{} of {}", found, mtu);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn a_hole_under_full_traffic_is_noticed_and_the_traffic_goes_on(mtu in 1_280_usize..1_400, delay in 1_u64..80) {
        let mut world = idle(&[delay]);
        world.inner_len = 1_400;
        world.flow = [MS, MS];
        world.run(5 * S);
        prop_assert_eq!(sizes(&world, Side::Client, 1), vec![(1_500, false)]);
        hole(&mut world, 1, mtu);
        world.run(3 * S);
        for side in [Side::Client, Side::Gateway] {
            let told = sizes(&world, side, 1);
            prop_assert_eq!(told[1], (1_280, true), "the black hole is reported");
            prop_assert!(packet_max(&mut world, side) + OVERHEAD <= mtu);
        }
        let delivered = world.delivered.len();
        world.run(S);
        prop_assert!(world.delivered.len() - delivered >= 1_990, "{} arrived", world.delivered.len() - delivered);
        world.run(4 * S);
        for side in [Side::Client, Side::Gateway] {
            let found = usize::from(sizes(&world, side, 1).last().unwrap().0);
            prop_assert!(found <= mtu && mtu - found < STEP, "{} of {}", found, mtu);
            prop_assert_eq!(world.silent(side, 1), None);
            prop_assert_eq!(world.count(side, |report| matches!(report, Report::PathSuspected { .. })), 0);
        }
    }
}

#[test]
fn two_percent_of_loss_for_ten_minutes_are_no_black_hole() {
    let mut world = idle(&[20]);
    let link = world.links.get_mut(&1).unwrap();
    (link.up.loss, link.down.loss) = (0.02, 0.02);
    world.inner_len = 1_400;
    world.flow = [5 * MS, 5 * MS];
    world.run(600 * S);
    for side in [Side::Client, Side::Gateway] {
        assert_eq!(sizes(&world, side, 1), [(1_500, false)]);
    }
}

#[test]
fn lost_probes_of_sizes_are_neither_loss_nor_silence() {
    let mut world = idle(&[10]);
    hole(&mut world, 1, 1_300);
    world.flow = [10 * MS, 10 * MS];
    world.run(10 * S);
    for side in [Side::Client, Side::Gateway] {
        let stats: Vec<PathStats> =
            world.reports.iter().filter(|(_, of, _)| *of == side).filter_map(of_stats).collect();
        let (first, last) = (stats.first().unwrap(), stats.last().unwrap());
        assert!(last.up_sent - first.up_sent > 1_000);
        assert_eq!(last.up_sent - first.up_sent, last.up_received - first.up_received);
        assert_eq!(last.down_sent - first.down_sent, last.down_received - first.down_received);
        assert_eq!((last.probes_lost, last.answering), (0, true));
        assert_eq!(world.count(side, |report| matches!(report, Report::PathSuspected { .. })), 0);
    }
}

fn of_stats((.., report): &(u64, Side, Report)) -> Option<PathStats> {
    match report {
        Report::Stats { paths } => paths.iter().find(|stats| stats.up_sent > 0 && stats.down_sent > 0).cloned(),
        _ => None,
    }
}

#[test]
fn an_idle_session_asks_for_no_sizes() {
    let mut world = idle(&[10, 20]);
    world.capturing = true;
    world.run(60 * S);
    assert_eq!(probes_on_the_wire(&world), 0);
}

#[test]
fn the_smallest_of_the_paths_in_use_is_the_limit_before_and_after_a_jump() {
    let mut world = idle(&[10, 20]);
    hole(&mut world, 2, 1_400);
    world.flow = [MS, MS];
    world.run(8 * S);
    assert_eq!(sizes(&world, Side::Client, 1), [(1_500, false)]);
    assert_eq!(sizes(&world, Side::Client, 2), [(1_400, false)]);
    assert_eq!([Side::Client, Side::Gateway].map(|side| packet_max(&mut world, side)), [1_340, 1_340]);
    world.inner_len = 1_400;
    let before = world.delivered.len();
    world.attach(2, 2, AttachKind::Switch);
    world.run(S);
    assert!(world.delivered.len() - before >= 1_900, "packets of the agreed size pass on the new path at once");
    world.order(Command::ClosePath { path: 2, reason: "test".to_owned() });
    world.attach(1, 3, AttachKind::Switch);
    world.run(S);
    assert_eq!([Side::Client, Side::Gateway].map(|side| packet_max(&mut world, side)), [1_440, 1_440]);
}

#[test]
fn a_jump_to_a_standby_that_became_smaller_loses_nothing() {
    let mut world = idle(&[10, 20]);
    world.inner_len = 1_400;
    world.flow = [MS, MS];
    world.run(8 * S);
    assert_eq!(sizes(&world, Side::Client, 2), [(1_500, false)]);
    hole(&mut world, 2, 1_300);
    let (sent, delivered) = (world.sent, world.delivered.len());
    world.attach(2, 2, AttachKind::Switch);
    world.run(4 * S);
    world.flow = [0, 0];
    world.run(S);
    let sent: u64 = world.sent.iter().sum::<u64>() - sent.iter().sum::<u64>();
    // Packets in flight on the old path arrive too.
    assert!(world.delivered.len() - delivered >= sent as usize, "{sent} sent");
    for side in [Side::Client, Side::Gateway] {
        assert_eq!(sizes(&world, side, 2), [(1_500, false), (1_280, true), (1_300, false)]);
    }
}

#[test]
fn a_path_that_dies_while_it_is_searched_holds_up_no_other() {
    let mut world = idle(&[10, 20, 30]);
    for path in [2, 3] {
        hole(&mut world, path, 1_400);
    }
    world.flow = [MS, MS];
    world.run(100 * MS);
    world.black_hole(2, true, true);
    let session = world.session();
    world.order(Command::SetPathDead { session, path: 2, dead: true });
    world.run(10 * S);
    assert_eq!(sizes(&world, Side::Client, 3), [(1_400, false)]);
    assert_eq!(sizes(&world, Side::Client, 2), []);
    assert_eq!(packet_max(&mut world, Side::Client), 1_340);
}

#[test]
fn a_path_that_became_larger_is_found_out_after_ten_minutes() {
    let mut world = idle(&[10]);
    hole(&mut world, 1, 1_400);
    world.flow = [100 * MS, 100 * MS];
    world.run(10 * S);
    hole(&mut world, 1, 0);
    world.run(580 * S);
    assert_eq!(sizes(&world, Side::Client, 1), [(1_400, false)]);
    world.run(20 * S);
    assert_eq!(sizes(&world, Side::Client, 1), [(1_400, false), (1_500, false)]);
}

#[test]
fn what_does_not_fit_the_own_link_is_not_asked_for_again() {
    let mut world = idle(&[10]);
    world.flow = [MS, 0];
    world.run(3 * S);
    assert_eq!(sizes(&world, Side::Client, 1), [(1_500, false)]);
    let whole = SizedFor { session: world.session(), path: 1 };
    world.client.too_big(world.now, whole, 1_450);
    world.capturing = true;
    world.run(5 * S);
    let found = usize::from(sizes(&world, Side::Client, 1).last().unwrap().0);
    assert!((1_470..1_478).contains(&found), "{found}");
    assert!(world.capture.iter().all(|(.., data)| data.len() < 1_450));
}

#[test]
fn a_standby_that_swallows_all_but_tiny_packets_makes_the_send_path_no_worse_than_the_base() {
    let mut world = idle(&[10, 10]);
    hole(&mut world, 2, 600);
    world.flow = [20 * MS, 20 * MS];
    world.run(30 * S);
    assert!(sizes(&world, Side::Client, 2)[0].0 < 1_280, "it was measured");
    assert_eq!(packet_max(&mut world, Side::Client), 1_280 - OVERHEAD);
}

#[test]
fn a_blackout_in_the_middle_of_a_search_says_nothing_about_sizes() {
    for blackout in [300 * MS, 600 * MS, 900 * MS] {
        let mut world = idle(&[10]);
        world.flow = [20 * MS, 20 * MS];
        world.black_hole(1, true, true);
        world.run(blackout);
        world.black_hole(1, false, false);
        world.run(12 * S);
        for side in [Side::Client, Side::Gateway] {
            assert_eq!(sizes(&world, side, 1), [(1_500, false)], "{side:?} after {} ms", blackout / MS);
        }
    }
}
