//! A gateway with valid keys that answers what it was not asked.

use crate::frames::{AttachAck, Frame, Reason, Status, SwitchAck};
use crate::messages::{AttachKind, Command, PathId, Report};
use crate::vocabulary::blame::DropKind;
use crate::world::{MS, S, Side, World};

/// The gateway sends these frames on a path, now.
fn send(world: &mut World, path: PathId, frames: &[Frame]) {
    let (now, handle) = (world.now, world.gateway_session.unwrap_or_default());
    let gateway = &mut world.gateway;
    if let Some(session) = gateway.sessions.get_mut(&handle) {
        session.send_frames(now, &mut gateway.cx, path, frames);
    }
    world.flush(Side::Gateway);
}

/// The client's activations of path 2 that ended well, by their bind seq.
fn attached(world: &World) -> Vec<u64> {
    let bind_seq = |(_, side, report): &(u64, Side, Report)| match *report {
        Report::AttachValidated { path: 2, bind_seq, .. } if *side == Side::Client => Some(bind_seq),
        _ => None,
    };
    world.reports.iter().filter_map(bind_seq).collect()
}

#[test]
fn an_answer_that_names_an_older_switch_to_the_same_path_is_not_taken_for_the_newer_ones() {
    let mut world = World::ready(&[10, 10], 10);
    world.answers = false;
    world.attach(2, 2, AttachKind::Switch);
    world.attach(2, 3, AttachKind::Switch);
    let ack = |bind_seq| SwitchAck {
        status: Status::Ok,
        reason: Reason::EMPTY,
        retry_after_ms: 0,
        to: 2,
        bind_seq,
        version: 0,
    };
    send(&mut world, 2, &[Frame::SwitchAck(ack(2))]);
    world.run(20 * MS);
    assert_eq!(attached(&world), [0; 0]);
    send(&mut world, 2, &[Frame::SwitchAck(ack(3))]);
    world.run(20 * MS);
    assert_eq!(attached(&world), [3]);
    world.run(2 * S);
    assert!(world.drops(Side::Client, DropKind::StaleSwitchAck) >= 1);
}

#[test]
fn an_answer_that_echoes_the_challenge_under_another_bind_seq_is_none() {
    let mut world = World::ready(&[10, 10], 10);
    world.answers = false;
    world.attach(2, 2, AttachKind::Reattach);
    let handle = world.session();
    let session = world.client.sessions.get(&handle);
    let echo = session.and_then(|session| session.side.attempt()).map(|attempt| attempt.challenge).unwrap_or_default();
    let handle = world.gateway_session.unwrap_or_default();
    let session = world.gateway.sessions.get(&handle);
    let index = session.and_then(|session| session.path(2)).map_or(0, |path| path.rx_index);
    let ack = |bind_seq| AttachAck {
        status: Status::Ok,
        reason: Reason::EMPTY,
        retry_after_ms: 0,
        path: 2,
        bind_seq,
        index,
        echo,
        challenge: [0; 16],
        version: 0,
    };
    send(&mut world, 2, &[Frame::AttachAck(ack(1))]);
    world.run(20 * MS);
    assert_eq!(attached(&world), [0; 0]);
    send(&mut world, 2, &[Frame::AttachAck(ack(2))]);
    world.run(20 * MS);
    assert_eq!(attached(&world), [2]);
    world.assert_honest();
}

#[test]
fn a_gateway_that_does_not_know_the_denial_of_a_switch_is_sent_none() {
    for (granted, expected) in [(u32::MAX, 1), (0, 0)] {
        let mut world = World::ready(&[10, 10], 10);
        let (client, session) = (world.session(), world.gateway_session.unwrap_or_default());
        if let Some(session) = world.client.sessions.get_mut(&client) {
            session.granted &= granted;
        }
        world.order_gateway(Command::RequestSwitch { session, path: 2, reason: "operator".to_owned() });
        assert!(world.run_until(S, |report| matches!(report, Report::SwitchRequested { .. })));
        let reason = "cooldown_active".to_owned();
        world.order(Command::DenySwitch { session: client, path: 2, reason, retry_after_ms: 0 });
        world.run(S);
        let denials = world.count(Side::Gateway, |report| matches!(report, Report::SwitchDenied { .. }));
        assert_eq!(denials, expected);
        world.assert_honest();
    }
}
