//! Which failures of a path are noticed, in which time, and what is not mistaken for a failure.
#![allow(clippy::unwrap_used, reason = "tests")]

mod world;

use jvpn_proto::messages::{AttachKind, Command, PathStats, Report, SilenceEvidence};
use world::{Link, MS, S, Side, World, client_address};

const I: u64 = 10 * MS;
const RTT: u64 = 20 * MS;
/// 3·I + maximum margin + RTT, and one interval of slack for the peer's schedule.
const NOTICED: u64 = 3 * I + 2 * I + RTT + I;

fn suspected(report: &Report) -> bool {
    matches!(report, Report::PathSuspected { .. })
}

#[test]
fn the_death_of_both_directions_is_noticed_at_both_ends() {
    let mut world = World::ready(&[10, 10], 10);
    let died = world.now;
    world.black_hole(1, true, true);
    world.run(S / 2);
    for side in [Side::Client, Side::Gateway] {
        let (at, evidence) = world.silent(side, 1).unwrap();
        assert_eq!(evidence, SilenceEvidence::StandbyAnswered, "{side:?}");
        assert!(at - died <= NOTICED, "{side:?}: {} ms", (at - died) / MS);
        assert!(world.silent(side, 2).is_none());
    }
    world.assert_honest();
}

#[test]
fn a_dead_downlink_is_noticed_by_the_client() {
    let mut world = World::ready(&[10, 10], 10);
    let died = world.now;
    world.black_hole(1, false, true);
    world.run(S / 2);
    let (at, evidence) = world.silent(Side::Client, 1).unwrap();
    assert_eq!(evidence, SilenceEvidence::StandbyAnswered);
    assert!(at - died <= NOTICED, "{} ms", (at - died) / MS);
    assert!(world.copies > 0, "the gateway copied its direction to the standby");
    assert_eq!(world.delivered_twice(), 0);
}

#[test]
fn a_dead_uplink_is_noticed_by_the_client_through_deaf_on() {
    let mut world = World::ready(&[10, 10], 10);
    let died = world.now;
    world.black_hole(1, true, false);
    world.run(S / 2);
    let (at, evidence) = world.silent(Side::Client, 1).unwrap();
    assert_eq!(evidence, SilenceEvidence::PeerDeaf);
    // Suspicion at the gateway, half a round trip, then 3·I of its reports.
    assert!(at - died <= 2 * I + 2 * I + RTT + 3 * I + 2 * I, "{} ms", (at - died) / MS);
    assert_eq!(world.count(Side::Client, |report| matches!(report, Report::PathSilent { .. })), 1, "once");
}

#[test]
fn only_the_sending_end_has_traffic_and_death_is_still_noticed() {
    for (flow, up, down) in
        [([MS, 0], true, true), ([0, MS], true, true), ([MS, 0], false, true), ([0, MS], true, false)]
    {
        let mut world = World::ready(&[10, 10], 10);
        world.flow = flow;
        world.run(3 * S);
        let died = world.now;
        world.black_hole(1, up, down);
        world.run(S / 2);
        let (at, _) = world.silent(Side::Client, 1).unwrap_or_else(|| panic!("{flow:?} {up} {down}"));
        assert!(at - died <= 150 * MS, "{flow:?} {up} {down}: {} ms", (at - died) / MS);
    }
}

#[test]
fn copies_on_the_standby_hide_the_gap_until_the_switch() {
    let mut world = World::ready(&[10, 10], 10);
    world.black_hole(1, true, true);
    assert!(world.run_until(S, |report| matches!(report, Report::PathSilent { .. })));
    world.attach(2, 2, AttachKind::Switch);
    world.run(S);
    let mut arrivals: Vec<u64> =
        world.delivered.iter().filter(|((to, _), _)| *to == Side::Client).map(|(_, (_, at))| *at).collect();
    arrivals.sort_unstable();
    let gap = arrivals.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    assert!(gap <= 2 * I + 2 * I + RTT + I, "{} ms", gap / MS);
    assert_eq!(world.delivered_twice(), 0);
}

#[test]
fn copies_end_200_ms_after_the_suspicion_although_the_path_is_still_in_doubt() {
    // No standby answers, so that the path stays in doubt for a second.
    let mut world = World::ready(&[10, 10], 10);
    world.black_hole(1, true, true);
    world.black_hole(2, false, true);
    assert!(world.run_until(S, suspected));
    // Both ends copy: each for itself, and as long again because the other one is deaf.
    world.run(450 * MS);
    let copies = world.copies;
    assert!(copies > 0);
    world.run(300 * MS);
    assert_eq!((world.copies, world.silent(Side::Client, 1)), (copies, None));
}

#[test]
fn a_gateway_that_stalls_makes_no_client_jump() {
    // Also if the standby answers much sooner than the active path can.
    for delays in [[10, 10], [40, 2], [2, 40]] {
        let mut world = World::ready(&delays, 10);
        for _ in 0..5 {
            world.stalled[1] = world.now + 100 * MS;
            world.run(100 * MS);
            world.gateway.stall(world.now, 100 * MS);
            world.run(400 * MS);
        }
        assert_eq!(world.silent(Side::Client, 1), None, "{delays:?}");
        assert_eq!(world.silent(Side::Client, 2), None, "{delays:?}");
        assert_eq!(world.silent(Side::Gateway, 1), None, "{delays:?}");
    }
}

#[test]
fn a_client_that_stalls_blames_no_path() {
    let mut world = World::ready(&[10, 10], 10);
    world.stalled[0] = world.now + 200 * MS;
    world.run(200 * MS - 1);
    world.client.stall(world.now + 1, 200 * MS);
    world.run(S);
    assert_eq!(world.silent(Side::Client, 1), None);
    assert_eq!(world.silent(Side::Client, 2), None);
}

#[test]
fn a_client_that_is_kept_away_again_and_again_still_notices_a_death() {
    let mut world = World::ready(&[10, 10], 10);
    world.black_hole(1, true, true);
    for _ in 0..30 {
        world.stalled[0] = world.now + 11 * MS;
        world.run(11 * MS);
        world.client.stall(world.now, 11 * MS);
        world.run(4 * MS);
    }
    assert!(world.silent(Side::Client, 1).is_some());
    assert_eq!(world.silent(Side::Client, 2), None);
}

#[test]
fn without_a_standby_death_takes_a_second() {
    let mut world = World::ready(&[10], 10);
    let died = world.now;
    world.black_hole(1, true, true);
    world.run(2 * S);
    let (at, evidence) = world.silent(Side::Client, 1).unwrap();
    assert_eq!(evidence, SilenceEvidence::Timeout);
    assert!((S..S + 100 * MS).contains(&(at - died)), "{} ms", (at - died) / MS);
}

#[test]
fn an_interruption_that_ends_in_time_is_a_suspicion_that_clears() {
    let mut world = World::ready(&[10, 10], 10);
    world.black_hole(1, true, true);
    world.run(35 * MS);
    world.black_hole(1, false, false);
    world.run(S / 2);
    assert!(world.count(Side::Client, suspected) >= 1);
    assert_eq!(world.silent(Side::Client, 1), None);
    let cleared = world.count(Side::Client, |report| matches!(report, Report::PathCleared { .. }));
    assert_eq!(cleared, world.count(Side::Client, suspected));
}

#[test]
fn five_percent_of_loss_for_two_minutes_kills_no_path() {
    let mut world = World::ready(&[10, 10], 10);
    for link in world.links.values_mut() {
        link.up.loss = 0.05;
        link.down.loss = 0.05;
    }
    // Only probes: the minimum number of messages of an active session.
    world.flow = [500 * MS, 500 * MS];
    world.run(120 * S);
    assert_eq!(world.silent(Side::Client, 1), None);
    assert_eq!(world.silent(Side::Client, 2), None);
    world.assert_honest();
}

#[test]
fn an_idle_session_sends_its_keepalive_and_nothing_else() {
    let mut world = World::ready(&[10, 10], 10);
    world.flow = [0, 0];
    world.run(10 * S);
    world.capturing = true;
    world.run(100 * S);
    // A probe and its reply every 25 s, on the standby every 125 s; and one rekey.
    assert!((8..=14).contains(&world.capture.len()), "{}", world.capture.len());
}

#[test]
fn a_phone_that_idles_on_two_networks_moves_less_than_a_megabyte_a_day() {
    let mut world = World::ready(&[10, 40], 50);
    world.flow = [0, 0];
    world.run(10 * S);
    world.capturing = true;
    world.run(3_600 * S);
    let with_headers: usize = world.capture.iter().map(|(_, _, data)| data.len() + 28).sum();
    assert!(24 * with_headers <= 1_000_000, "{} bytes a day", 24 * with_headers);
    assert!(world.count(Side::Client, |report| matches!(report, Report::KeyRotated { .. })) >= 25);
    assert_eq!(world.count(Side::Gateway, |report| matches!(report, Report::PathSilent { .. })), 0);
}

#[test]
fn a_client_that_is_gone_while_idle_is_missed_after_two_keepalives_and_a_probing_round() {
    for (delay_ms, gone_after) in [(10, 3 * S), (10, 24 * S), (150, 20 * S)] {
        let mut world = World::ready(&[delay_ms], 50);
        world.flow = [0, 0];
        world.run(40 * S + gone_after);
        world.black_hole(1, true, true);
        let gone_at = world.now;
        world.run(120 * S);
        let (at, evidence) = world.silent(Side::Gateway, 1).unwrap();
        assert_eq!(evidence, SilenceEvidence::Timeout);
        assert!(at - gone_at <= 50 * S + 4 * S, "{} ms", (at - gone_at) / MS);
        let (noticed_at, _) = world.silent(Side::Client, 1).unwrap();
        assert!(noticed_at - gone_at <= 25 * S + 4 * S, "{} ms", (noticed_at - gone_at) / MS);
        world.assert_honest();
    }
}

#[test]
fn an_idle_gateway_reports_when_it_last_heard_of_its_client() {
    let mut world = World::ready(&[10], 50);
    world.flow = [0, 0];
    world.run(10 * S);
    let before = world.reports.len();
    world.run(100 * S);
    let heard = |report: &Report| match report {
        Report::Stats { paths } => paths.iter().any(|path| path.heard_ms_ago <= 200),
        _ => false,
    };
    let told =
        world.reports[before..].iter().filter(|(_, side, report)| *side == Side::Gateway && heard(report)).count();
    assert!((3..=6).contains(&told), "{told}");
}

#[test]
fn a_dead_idle_standby_is_noticed_by_its_probe_and_told_again_when_it_answers() {
    let mut world = World::ready(&[10, 10], 10);
    world.flow = [0, 0];
    world.run(10 * S);
    world.black_hole(2, true, true);
    world.run(130 * S);
    assert_eq!(world.silent(Side::Client, 2).unwrap().1, SilenceEvidence::Timeout);
    world.black_hole(2, false, false);
    let alive = |report: &Report| matches!(report, Report::PathAlive { path: 2, .. });
    assert!(world.run_until(6 * S, alive));
    world.run(60 * S);
    assert_eq!(world.count(Side::Client, alive), 1);
}

#[test]
fn after_idling_the_first_packets_are_no_reason_for_suspicion() {
    let mut world = World::ready(&[150, 150], 10);
    for _ in 0..10 {
        world.flow = [0, 0];
        world.run(7 * S);
        let before = world.count(Side::Client, suspected);
        world.send_inner(Side::Client);
        world.run(3 * S);
        assert_eq!(world.count(Side::Client, suspected), before);
    }
}

#[test]
fn ordered_probing_goes_on_for_hours_and_reaches_dead_paths() {
    let mut world = World::ready(&[10, 10], 10);
    world.flow = [0, 0];
    let session = world.session();
    for path in [1, 2] {
        world.black_hole(path, true, true);
        world.order(Command::SetPathDead { session, path, dead: true });
    }
    assert_eq!(world.client.send_route(session, world.now), None);
    world.order(Command::SetProbing { session, interval_ms: 1_000 });
    world.run(3_600 * S);
    world.black_hole(2, false, false);
    assert!(world.run_until(1_100 * MS, |report| matches!(report, Report::PathAlive { path: 2, .. })));
    world.order(Command::SetProbing { session, interval_ms: 0 });
    world.attach(2, 2, AttachKind::Switch);
    assert!(world.run_until(S, |report| matches!(report, Report::AttachValidated { path: 2, .. })));
}

#[test]
fn statistics_measure_rtt_and_the_loss_of_each_direction() {
    let mut world = World::ready(&[10], 10);
    let link = world.links.get_mut(&1).unwrap();
    link.up.loss = 0.3;
    link.down.loss = 0.1;
    let before = newest_stats(&world, Side::Client);
    world.run(5 * S);
    let after = newest_stats(&world, Side::Client);
    let loss = |sent: u64, received: u64| 1.0 - received as f64 / sent as f64;
    let up = loss(after.up_sent - before.up_sent, after.up_received - before.up_received);
    let down = loss(after.down_sent - before.down_sent, after.down_received - before.down_received);
    assert!((0.25..0.35).contains(&up), "{up}");
    assert!((0.07..0.13).contains(&down), "{down}");
    assert!((19_000..22_000).contains(&after.srtt_us), "{}", after.srtt_us);
    assert_eq!(after.min_rtt_us, 20_000);
}

fn newest_stats(world: &World, of: Side) -> PathStats {
    let stats = world.reports.iter().rev().find_map(|(_, side, report)| match report {
        Report::Stats { paths } if *side == of => paths.iter().find(|stats| stats.path == 1).cloned(),
        _ => None,
    });
    stats.unwrap()
}

#[test]
fn a_new_link_after_a_blackout_carries_the_session_on() {
    let mut world = World::ready(&[10, 10], 10);
    for path in [1, 2] {
        world.black_hole(path, true, true);
    }
    world.run(5 * S);
    assert!(world.silent(Side::Client, 1).is_some());
    world.open(3, Link::with_delay(10 * MS));
    world.attach(3, 2, AttachKind::Reattach);
    assert!(world.run_until(200 * MS, |report| matches!(report, Report::AttachValidated { path: 3, .. })));
    let before = world.delivered.len();
    world.run(S);
    assert!(world.delivered.len() - before > 1_900);
    world.assert_honest();
}

#[test]
fn a_dead_uplink_is_noticed_on_the_shortest_path_too() {
    // The gateway has given the path up long before the client is convinced: it must continue to report its deafness.
    let mut world = World::ready(&[1, 1], 10);
    let died = world.now;
    world.black_hole(1, true, false);
    world.run(S / 2);
    let (at, evidence) = world.silent(Side::Client, 1).unwrap();
    assert_eq!(evidence, SilenceEvidence::PeerDeaf);
    assert!(at - died <= 80 * MS, "{} ms", (at - died) / MS);
}

#[test]
fn a_path_that_is_being_attached_is_not_judged_before_it_is_validated() {
    let mut world = World::ready(&[10, 10], 10);
    world.open(3, Link::with_delay(120 * MS));
    world.attach(3, 2, AttachKind::Reattach);
    world.run(2 * S);
    let doubted =
        |report: &Report| matches!(report, Report::PathSuspected { path: 3, .. } | Report::PathSilent { path: 3, .. });
    for side in [Side::Client, Side::Gateway] {
        assert_eq!(world.count(side, doubted), 0, "{side:?}");
        assert_eq!(world.count(side, |report| matches!(report, Report::PathSuspected { .. })), 0, "{side:?}");
    }
    assert_eq!(world.count(Side::Client, |report| matches!(report, Report::AttachValidated { path: 3, .. })), 1);
}

#[test]
fn a_path_that_the_core_gave_up_and_that_lives_is_told_once() {
    let mut world = World::ready(&[10, 10], 10);
    let session = world.session();
    world.order(Command::SetPathDead { session, path: 1, dead: true });
    world.attach(2, 2, AttachKind::Switch);
    world.run(20 * S);
    let alive = |report: &Report| matches!(report, Report::PathAlive { path: 1, .. });
    assert_eq!(world.count(Side::Client, alive), 1);
    world.order(Command::SetPathDead { session, path: 1, dead: false });
    world.attach(1, 3, AttachKind::Switch);
    assert!(world.run_until(S, |report| matches!(report, Report::AttachValidated { path: 1, bind_seq: 3, .. })));
}

#[test]
fn a_client_that_did_not_notice_is_told_that_its_path_was_given_up() {
    // The gateway's core gives up a path that works; the client hears answers to its probes and would never attach
    // again.
    let mut world = World::ready(&[10, 10], 10);
    let session = world.gateway_session.unwrap();
    world.order_gateway(Command::SetPathDead { session, path: 1, dead: true });
    let told =
        |report: &Report| matches!(report, Report::PathSilent { path: 1, evidence: SilenceEvidence::PeerDeaf, .. });
    assert!(world.run_until(100 * MS, told));
    world.attach(1, 2, AttachKind::Reattach);
    assert!(world.run_until(200 * MS, |report| matches!(report, Report::AttachValidated { path: 1, bind_seq: 2, .. })));
    let before = world.delivered.len();
    world.run(S);
    assert!(world.delivered.len() - before >= 1_900);
    assert_eq!(world.count(Side::Client, told), 1);
}

/// Silences of this length, one after another; how many of them the client suspected.
fn suspicions(world: &mut World, silence: u64, times: usize) -> Vec<usize> {
    let one = |_| {
        let before = world.count(Side::Client, suspected);
        world.black_hole(1, false, true);
        world.run(silence);
        world.black_hole(1, false, false);
        world.run(S);
        world.count(Side::Client, suspected) - before
    };
    (0..times).map(one).collect()
}

#[test]
fn a_silence_that_was_taken_for_death_by_mistake_is_not_suspected_again_soon() {
    let mut world = World::ready(&[10, 10], 10);
    // So many punctual arrivals that a single late one does not change their percentile.
    world.run(5 * S);
    assert_eq!(suspicions(&mut world, 27 * MS, 3), [1, 0, 0]);
    assert_eq!(world.silent(Side::Client, 1), None);
}

#[test]
fn a32_messages_of_one_path_that_arrive_from_the_others_address_keep_it_not_alive() {
    let mut world = World::ready(&[10, 10], 10);
    let session = world.session();
    world.order(Command::SetProbing { session, interval_ms: 10 });
    let died = world.now;
    world.black_hole(1, true, true);
    // Somebody carries what the client sends on path 2 to the gateway, under the address of path 1.
    world.moved.insert(2, client_address(1));
    world.run(3 * S);
    let (at, _) = world.silent(Side::Gateway, 1).unwrap();
    assert!(at - died <= 1_200 * MS, "{} ms", (at - died) / MS);
}
