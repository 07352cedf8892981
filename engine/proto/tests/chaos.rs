//! Loss, reordering, duplication, black holes, switches and rekeys, and somebody on the paths who holds back,
//! readdresses and replays what honest ends send; drawn from a seed: the properties that must always hold.
#![allow(clippy::unwrap_used, reason = "tests")]

mod world;

use jvpn_proto::endpoint::Limits;
use jvpn_proto::messages::{AttachKind, Command, Offer, Report};
use proptest::prelude::*;
use world::{LATER_MAX, Link, MS, Pipe, S, Side, World};

const LIMITS: Limits = Limits {
    rekey_after_us: S,
    reject_after_us: 100 * S,
    rekey_after_packets: 1 << 27,
    rekey_after_failed_opens: 1 << 34,
    inits_per_s: 1_000,
};

#[derive(Debug, Clone)]
enum Event {
    Switch(u32),
    Reattach(u32),
    Revalidate,
    Black(u32, bool, bool),
    Weather(u32, u64, u64),
    Dead(u32, bool),
    Stall(usize, u64),
    NewPath,
    Candidate(u32),
    /// Path, and the shares in percent of what is held back, readdressed and replayed.
    Meddler(u32, [u64; 3]),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(weather(), 1..25)
}

fn weather() -> impl Strategy<Value = Event> {
    let path = 1_u32..4;
    prop_oneof![
        3 => path.clone().prop_map(Event::Switch),
        1 => path.clone().prop_map(Event::Reattach),
        1 => Just(Event::Revalidate),
        3 => (path.clone(), any::<bool>(), any::<bool>()).prop_map(|(path, up, down)| Event::Black(path, up, down)),
        3 => (path.clone(), 0_u64..60, 0_u64..30).prop_map(|(path, loss, jitter)| Event::Weather(path, loss, jitter)),
        1 => (path, any::<bool>()).prop_map(|(path, dead)| Event::Dead(path, dead)),
        1 => (0_usize..2, 0_u64..200).prop_map(|(side, span)| Event::Stall(side, span)),
        1 => Just(Event::NewPath),
    ]
}

fn meddling() -> impl Strategy<Value = Vec<Event>> {
    let path = 1_u32..4;
    let share = || 0_u64..60;
    let event = prop_oneof![
        2 => weather(),
        2 => path.clone().prop_map(Event::Candidate),
        3 => (path, [share(), share(), share()]).prop_map(|(path, shares)| Event::Meddler(path, shares)),
    ];
    prop::collection::vec(event, 5..25)
}

fn act(world: &mut World, event: &Event, bind_seq: u64) {
    let session = world.session();
    let attach = |world: &mut World, path, kind| {
        // A switch to a path that is not validated is refused; this may happen here.
        let command = Command::Attach { session, path, bind_seq, kind, reason: "chaos".to_owned() };
        let _refused = world.client.command(world.now, command);
        world.flush(Side::Client);
    };
    match *event {
        Event::Switch(path) => attach(world, path, AttachKind::Switch),
        Event::Reattach(path) => attach(world, path, AttachKind::Reattach),
        Event::Revalidate => {
            if let Some(route) = world.client.send_route(session, world.now) {
                attach(world, route.path, AttachKind::Revalidate);
            }
        }
        Event::Black(path, up, down) => world.black_hole(path, up, down),
        Event::Weather(path, loss, jitter) => {
            let link = world.links.get_mut(&path).unwrap();
            for pipe in [&mut link.up, &mut link.down] {
                *pipe =
                    Pipe { loss: loss as f64 / 100.0, jitter: jitter * MS, duplicate: loss as f64 / 200.0, ..*pipe };
            }
        }
        Event::Meddler(path, shares) => {
            let [held_back, readdressed, replayed] = shares.map(|share| share as f64 / 100.0);
            let link = world.links.get_mut(&path).unwrap();
            for pipe in [&mut link.up, &mut link.down] {
                *pipe = Pipe { held_back, readdressed, replayed, ..*pipe };
            }
        }
        Event::Dead(path, dead) => world.order(Command::SetPathDead { session, path, dead }),
        Event::Stall(side, span) => {
            world.stalled[side] = world.now + span * MS;
            world.run(span * MS);
            let now = world.now;
            world.endpoint(if side == 0 { Side::Client } else { Side::Gateway }).stall(now, span * MS);
        }
        Event::NewPath => {
            let path = world.links.len() as u32 + 1;
            if path < 9 {
                world.open(path, Link::with_delay(5 * MS));
                world.order(Command::AddCandidate { session, path });
            }
        }
        Event::Candidate(path) => world.order(Command::AddCandidate { session, path }),
    }
}

fn heal(world: &mut World) {
    for link in world.links.values_mut() {
        *link = Link::with_delay(10 * MS);
    }
}

/// One activation restores both directions.
fn recovers(world: &mut World, bind_seq: u64) -> bool {
    world.attach(1, bind_seq, AttachKind::Reattach);
    world.run_until(
        5 * S,
        |report| matches!(report, Report::AttachValidated { path: 1, bind_seq: seq, .. } if *seq == bind_seq),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 200, ..ProptestConfig::default() })]

    /// A28, A41, I19: honest ends are never blamed, nothing is delivered twice, no nonce is used twice. When the
    /// network works again, one activation restores both directions.
    #[test]
    fn whatever_the_network_does_nothing_is_delivered_twice_and_nobody_is_blamed(seed in 1_u8..250, events in events()) {
        let mut world = World::with(&[10, 25, 3], 10, LIMITS, seed);
        world.connect();
        world.flow = [3 * MS, 3 * MS];
        world.capturing = true;
        let mut bind_seq = 1;
        for event in &events {
            bind_seq += 1;
            act(&mut world, event, bind_seq);
            world.run(120 * MS);
        }
        heal(&mut world);
        prop_assert!(recovers(&mut world, bind_seq + 1), "not attached again");
        world.run(2 * S);
        let before = world.delivered.len();
        world.run(300 * MS);
        prop_assert!(world.delivered.len() - before >= 190, "{} delivered", world.delivered.len() - before);
        prop_assert_eq!(world.delivered_twice(), 0);
        world.assert_nonces_unique();
        world.assert_honest();
    }

    /// A28, I11, I13: whoever only holds back, readdresses, duplicates, reorders or replays what honest ends send can
    /// make neither of them blame the other, and ends no session.
    #[test]
    fn whoever_meddles_with_honest_datagrams_for_a_minute_makes_nobody_blamed_and_ends_nothing(
        seed in 1_u8..250,
        (rekeys, redundant) in any::<(bool, bool)>(),
        events in meddling(),
    ) {
        let limits = if rekeys { LIMITS } else { world::limits() };
        let mut world = World::with_offer(&[10, 25, 3], Offer { redundant, ..world::offer(100) }, limits, seed);
        world.connect();
        world.flow = [100 * MS, 100 * MS];
        let mut bind_seq = 1;
        for event in &events {
            bind_seq += 1;
            act(&mut world, event, bind_seq);
            world.run(3 * S);
        }
        heal(&mut world);
        // Everything has arrived, and a path whose address was changed too often may be rebound again.
        world.run(LATER_MAX);
        prop_assert!(recovers(&mut world, bind_seq + 1), "not attached again");
        prop_assert_eq!(world.delivered_twice(), 0);
        world.assert_honest();
        for side in [Side::Client, Side::Gateway] {
            let ended = |report: &Report| matches!(report, Report::PeerClosed { .. } | Report::Refused { .. });
            prop_assert_eq!(world.count(side, ended), 0);
        }
        let session = world.session();
        prop_assert!(world.client.send_route(session, world.now).is_some());
    }
}
