//! Keys age and are replaced without any interruption.
#![allow(clippy::unwrap_used, reason = "tests")]

mod world;

use jvpn_proto::endpoint::Limits;
use jvpn_proto::messages::{AttachKind, Report};
use world::{MS, S, Side, World};

const SHORT: Limits = Limits {
    rekey_after_us: 2 * S,
    reject_after_us: 3 * S,
    rekey_after_packets: 1 << 27,
    rekey_after_failed_opens: 1 << 34,
    inits_per_s: 1_000,
};
/// Header, frame header, epoch, e, tag.
const REKEY_LEN: usize = 16 + 3 + 4 + 32 + 16;

fn rotated(report: &Report) -> bool {
    matches!(report, Report::KeyRotated { .. })
}

fn rekeying(limits: Limits, seed: u8) -> World {
    let mut world = World::with(&[10, 10], 10, limits, seed);
    world.connect();
    world.flow = [MS, MS];
    world
}

#[test]
fn a_rekey_under_load_loses_nothing() {
    for seed in [2, 3] {
        let mut world = rekeying(SHORT, seed);
        world.capturing = true;
        world.run(30 * S);
        world.flow = [0, 0];
        world.run(500 * MS);
        assert!((14..=16).contains(&world.count(Side::Client, rotated)));
        assert!((14..=16).contains(&world.count(Side::Gateway, rotated)));
        assert_eq!((world.unsent, world.held), ([0, 0], [0, 0]));
        assert_eq!(world.delivered.len() as u64, world.sent[0] + world.sent[1]);
        world.assert_nonces_unique();
        world.assert_honest();
    }
}

#[test]
fn a_rekey_survives_the_loss_of_its_frames() {
    let mut world = rekeying(SHORT, 2);
    for link in world.links.values_mut() {
        link.up.loss = 0.2;
        link.down.loss = 0.2;
        link.up.jitter = 15 * MS;
        link.down.jitter = 15 * MS;
    }
    world.capturing = true;
    world.run(40 * S);
    assert!(world.count(Side::Client, rotated) >= 17, "{}", world.count(Side::Client, rotated));
    assert_eq!(world.count(Side::Client, |report| matches!(report, Report::KeyExpired { .. })), 0);
    assert_eq!((world.unsent, world.held), ([0, 0], [0, 0]));
    world.assert_nonces_unique();
    world.assert_honest();
}

#[test]
fn a_packet_limit_is_a_trigger_of_its_own() {
    let limits = Limits { rekey_after_packets: 1_000, ..Limits::default() };
    let mut world = rekeying(limits, 2);
    world.run(10 * S);
    let by_packets = |report: &Report| matches!(report, Report::KeyRotated { trigger, .. } if trigger == "packets");
    assert!(world.count(Side::Client, by_packets) >= 7);
    assert_eq!((world.unsent, world.held), ([0, 0], [0, 0]));
}

#[test]
fn the_gateway_asks_when_only_its_own_limit_is_near() {
    let limits = Limits { rekey_after_packets: 1_000, ..Limits::default() };
    let mut world = rekeying(limits, 2);
    world.flow = [0, MS];
    world.run(5 * S);
    let asked = |report: &Report| matches!(report, Report::KeyRotated { trigger, .. } if trigger == "peer");
    assert!(world.count(Side::Client, asked) >= 2, "{}", world.count(Side::Client, asked));
    assert_eq!((world.unsent, world.held), ([0, 0], [0, 0]));
}

#[test]
fn a40_without_any_answer_data_flows_until_the_hard_age_and_again_after_the_answer() {
    let mut world = rekeying(SHORT, 2);
    world.lose = Some((Side::Client, REKEY_LEN));
    world.run(4 * S);
    for side in [Side::Client, Side::Gateway] {
        let expired =
            |report: &Report| matches!(report, Report::KeyExpired { epoch: 0, trigger, .. } if trigger == "age");
        assert_eq!(world.count(side, expired), 1, "{side:?}");
    }
    assert!(world.held[0] > 900, "inner packets have stopped");
    assert_eq!(world.silent(Side::Client, 1), None, "control goes on");
    world.lose = None;
    assert!(world.run_until(1_200 * MS, rotated));
    world.run(100 * MS);
    let before = world.delivered.len();
    world.run(S);
    assert!(world.delivered.len() - before >= 1_900);
    world.assert_honest();
}

#[test]
fn after_a_blackout_beyond_the_hard_age_the_rekey_precedes_the_data() {
    let mut world = rekeying(SHORT, 2);
    for path in [1, 2] {
        world.black_hole(path, true, true);
    }
    world.run(20 * S);
    for path in [1, 2] {
        world.black_hole(path, false, false);
    }
    world.attach(1, 2, AttachKind::Reattach);
    assert!(world.run_until(200 * MS, rotated));
    world.run(100 * MS);
    let before = world.delivered.len();
    world.run(S);
    assert!(world.delivered.len() - before >= 1_900);
}

#[test]
fn a41_rekeys_switches_and_new_addresses_at_once_use_no_nonce_twice() {
    for seed in [2, 3] {
        let mut world = rekeying(Limits { rekey_after_us: S, ..SHORT }, seed);
        world.capturing = true;
        for round in 0..40_u16 {
            world.moved.insert(1, ([198, 51, 100, 1], 20_000 + round / 8).into());
            world.attach(1 + u32::from(round) % 2, u64::from(round) + 2, AttachKind::Switch);
            world.run(490 * MS);
        }
        assert!(world.count(Side::Client, rotated) >= 15, "{}", world.count(Side::Client, rotated));
        assert!(world.count(Side::Gateway, |report| matches!(report, Report::PathRebound { .. })) >= 4);
        assert!(world.count(Side::Client, |report| matches!(report, Report::AttachValidated { .. })) >= 30);
        world.assert_nonces_unique();
        assert_eq!(world.delivered_twice(), 0);
        world.assert_honest();
    }
}
