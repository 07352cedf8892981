//! A client with valid keys that requests more than one session's share, or tries to harm third parties.

use super::{answers, attach, blamed, bound, quiet, requests, send, send_from, switch};
use crate::frames::{AttachKind, Frame, PathClose, Probe, Reason, Rekey};
use crate::messages::{Command, Report};
use crate::vocabulary::blame::PeerFault;
use crate::world::{Link, MS, S, Side, World, gateway_route};

const BIND_SEQ_MAX: u64 = (1 << 53) - 1;

#[test]
fn a_bind_seq_that_the_core_cannot_count_is_attributable_and_never_reported() {
    let mut world = World::ready(&[10, 10], 10);
    let frames = [
        switch(1, u64::MAX),
        switch(2, BIND_SEQ_MAX + 1),
        attach(2, AttachKind::Reattach, u64::MAX, 1),
        attach(1, AttachKind::Revalidate, BIND_SEQ_MAX + 1, 1),
    ];
    for frame in frames {
        send(&mut world, 1, &[frame]);
        world.run(50 * MS);
    }
    assert_eq!(blamed(&world), [PeerFault::BindSeqRange; 4]);
    assert_eq!(requests(&world), 0);
    send(&mut world, 1, &[switch(1, BIND_SEQ_MAX)]);
    world.run(50 * MS);
    assert_eq!(requests(&world), 1);
}

#[test]
fn path_zero_is_attributable() {
    let mut world = World::ready(&[10], 10);
    send(&mut world, 1, &[switch(0, 9)]);
    send(&mut world, 1, &[attach(0, AttachKind::Candidate, 0, 1)]);
    world.run(50 * MS);
    assert_eq!((blamed(&world), requests(&world)), (vec![PeerFault::PathZero; 2], 0));
}

#[test]
fn a_flood_of_activations_is_answered_here_and_reported_sixteen_times_a_second() {
    let mut world = quiet(&[10]);
    for round in 0..100 {
        let frames: Vec<Frame> = (0..16).map(|n| switch(1, 100 + 16 * round + n)).collect();
        send(&mut world, 1, &frames);
    }
    world.run(500 * MS);
    assert!(requests(&world) <= 16, "{}", requests(&world));
    world.run(S);
    let before = requests(&world);
    send(&mut world, 1, &[switch(1, 10_000)]);
    world.run(50 * MS);
    assert_eq!((requests(&world), bound(&mut world)), (before + 1, Some(1)), "an honest one after the flood");
}

#[test]
fn while_the_core_is_asked_newer_activations_wait_and_its_answer_goes_to_the_newest_of_the_same_path() {
    let mut world = quiet(&[10]);
    world.answers = false;
    let before = requests(&world);
    for bind_seq in [100, 101, 102] {
        send(&mut world, 1, &[switch(1, bind_seq)]);
        world.run(50 * MS);
    }
    assert_eq!(requests(&world), before + 1);
    let session = world.gateway_session.unwrap_or_default();
    let answer = |bind_seq| Command::AnswerAttach { session, path: 1, bind_seq, deny_reason: None, retry_after_ms: 0 };
    assert!(world.gateway.command(world.now, answer(102)).is_err(), "the core did not learn of it");
    world.capturing = true;
    let said = answers(&world);
    assert!(world.gateway.command(world.now, answer(100)).is_ok());
    assert!(world.gateway.command(world.now, answer(100)).is_err(), "once");
    send(&mut world, 1, &[switch(1, 102)]);
    world.run(50 * MS);
    assert_eq!((requests(&world), bound(&mut world)), (before + 1, Some(1)));
    assert!(answers(&world) > said);
}

#[test]
fn the_cores_answer_for_a_path_that_is_gone_binds_nothing() {
    let mut world = quiet(&[10, 10]);
    world.answers = false;
    send(&mut world, 2, &[switch(2, 100)]);
    world.run(50 * MS);
    send(&mut world, 1, &[Frame::PathClose(PathClose { path: 2, reason: Reason::EMPTY })]);
    world.run(50 * MS);
    let session = world.gateway_session.unwrap_or_default();
    let answer = Command::AnswerAttach { session, path: 2, bind_seq: 100, deny_reason: None, retry_after_ms: 0 };
    assert!(world.gateway.command(world.now, answer).is_err());
    assert_eq!(bound(&mut world), Some(1));
    world.answers = true;
    send(&mut world, 1, &[switch(1, 101)]);
    world.run(50 * MS);
    let validated = |report: &Report| matches!(report, Report::AttachRequested { bind_seq: 101, .. });
    assert_eq!(world.count(Side::Gateway, validated), 1, "the core is asked about what follows");
}

#[test]
fn an_activation_of_another_path_is_told_when_the_core_has_answered_the_one_before() {
    let mut world = quiet(&[10, 10]);
    world.answers = false;
    let before = requests(&world);
    send(&mut world, 1, &[switch(1, 100)]);
    world.run(50 * MS);
    send(&mut world, 2, &[switch(2, 101)]);
    world.run(50 * MS);
    assert_eq!(requests(&world), before + 1);
    let session = world.gateway_session.unwrap_or_default();
    let answer = Command::AnswerAttach { session, path: 1, bind_seq: 100, deny_reason: None, retry_after_ms: 0 };
    assert!(world.gateway.command(world.now, answer).is_ok());
    send(&mut world, 2, &[switch(2, 101)]);
    world.run(50 * MS);
    assert_eq!(requests(&world), before + 2);
}

#[test]
fn a_core_that_owes_an_answer_for_a_minute_is_asked_again() {
    let mut world = quiet(&[10]);
    world.answers = false;
    let before = requests(&world);
    send(&mut world, 1, &[switch(1, 100)]);
    world.run(59 * S);
    send(&mut world, 1, &[switch(1, 101)]);
    world.run(2 * S);
    assert_eq!(requests(&world), before + 1);
    send(&mut world, 1, &[switch(1, 102)]);
    world.run(50 * MS);
    assert_eq!(requests(&world), before + 2);
}

#[test]
fn paths_that_come_and_go_are_no_flood_of_reports() {
    let mut world = quiet(&[10]);
    for round in 0..200 {
        let frames: Vec<Frame> = (0..8)
            .flat_map(|n| {
                let path = 100 + 8 * round + n;
                [attach(path, AttachKind::Candidate, 0, 1), Frame::PathClose(PathClose { path, reason: Reason::EMPTY })]
            })
            .collect();
        send(&mut world, 1, &frames);
    }
    world.run(500 * MS);
    let closed = world.count(Side::Gateway, |report| matches!(report, Report::PathClosed { .. }));
    assert!(closed <= 16, "{closed}");
}

#[test]
fn a23_one_message_that_names_many_paths_earns_its_bytes_once() {
    let mut world = quiet(&[10]);
    let victim = ([203, 0, 113, 9], 53).into();
    let candidates: Vec<Frame> = (101..108).map(|id| attach(id, AttachKind::Candidate, 0, 1)).collect();
    let mut claimed = send_from(&mut world, victim, &candidates);
    world.run(10 * S);
    let sent = world.bytes_to.get(&victim).copied().unwrap_or(0);
    assert!(sent > 0 && sent <= 3 * claimed, "{sent} for the {claimed} of the first message");
    let closing: Vec<Frame> = (201..208)
        .flat_map(|path| {
            [attach(path, AttachKind::Candidate, 0, 1), Frame::PathClose(PathClose { path, reason: Reason::EMPTY })]
        })
        .collect();
    claimed += send_from(&mut world, victim, &closing);
    // Denied, because the owner epoch is stale: a denial is an answer too.
    let denied: Vec<Frame> = (301..316).map(|id| attach(id, AttachKind::Reattach, 50, 0)).collect();
    claimed += send_from(&mut world, victim, &denied);
    world.run(10 * S);
    let session = world.gateway_session.unwrap_or_default();
    world.order_gateway(Command::CloseSession { session, reason: "test".to_owned() });
    world.run(10 * S);
    let sent = world.bytes_to.get(&victim).copied().unwrap_or(0);
    assert!(sent <= 3 * claimed, "{sent} for {claimed}");
}

#[test]
fn a23_close_goes_to_no_route_that_was_only_claimed() {
    let mut world = quiet(&[10]);
    let victim = ([203, 0, 113, 9], 53).into();
    send_from(&mut world, victim, &[attach(101, AttachKind::Candidate, 0, 1)]);
    world.bytes_to.clear();
    let session = world.gateway_session.unwrap_or_default();
    world.order_gateway(Command::CloseSession { session, reason: "test".to_owned() });
    world.run(5 * S);
    assert_eq!(world.bytes_to.get(&victim), None);
    assert_eq!(world.count(Side::Client, |report| matches!(report, Report::PeerClosed { .. })), 1);
}

#[test]
fn a24_a_burst_of_probes_costs_one_answer() {
    let mut world = quiet(&[10]);
    let probe = |seq| Frame::Probe(Probe { path: 1, seq, t_us: 1, tx_packets: 0, tx_bytes: 0, deaf_on: 0, age_ms: 0 });
    let flood: Vec<Frame> = (1_000..1_016).map(probe).collect();
    world.capturing = true;
    for _ in 0..10 {
        send(&mut world, 1, &flood);
    }
    world.run(11 * MS);
    // The test passes each message on separately, so each is a round of its own.
    assert!(answers(&world) <= 10, "{}", answers(&world));
    assert_eq!(blamed(&world), Vec::<PeerFault>::new());
}

#[test]
fn one_session_leaves_room_in_the_outbox_for_the_others() {
    let mut world = quiet(&[10]);
    let handle = world.gateway_session.unwrap_or_default();
    let now = world.now;
    let gateway = &mut world.gateway;
    if let Some(session) = gateway.sessions.get_mut(&handle) {
        for _ in 0..1_000 {
            session.send_frames(now, &mut gateway.cx, 1, &[Frame::Ping]);
        }
    }
    let queued = std::iter::from_fn(|| world.gateway.transmit()).count();
    assert_eq!(queued, 32);
}

#[test]
fn keys_of_low_order_cost_one_agreement_and_one_report_a_second() {
    let mut world = quiet(&[10]);
    let low: Vec<Frame> = (0..16).map(|_| Frame::RekeyInit(Rekey { epoch: 1, e: [0; 32] })).collect();
    for _ in 0..10 {
        send(&mut world, 1, &low);
    }
    world.run(100 * MS);
    let denied = |world: &World| world.count(Side::Gateway, |report| matches!(report, Report::RekeyDenied { .. }));
    assert_eq!((denied(&world), blamed(&world).len()), (1, 1));
    world.run(S);
    send(&mut world, 1, &low);
    world.run(100 * MS);
    assert_eq!(denied(&world), 2);
}

#[test]
fn a_faster_copy_of_an_attach_spoils_no_activation() {
    let mut world = World::ready(&[10], 10);
    world.open(2, Link::with_delay(10 * MS));
    world.capturing = true;
    world.attach(2, 5, crate::messages::AttachKind::Reattach);
    let stolen = world.capture.iter().find(|(to, path, _)| *to == Side::Gateway && *path == 2);
    let mut stolen = stolen.map(|(.., data)| data.clone()).unwrap_or_default();
    world.receive(Side::Gateway, gateway_route(([203, 0, 113, 9], 666).into()), &mut stolen);
    world.run(10 * S);
    assert_eq!((requests(&world), bound(&mut world)), (1, Some(2)));
}
