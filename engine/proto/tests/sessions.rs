//! The life of a session over several paths: connect, standby, jump, close.
#![allow(clippy::unwrap_used, reason = "tests")]

mod world;

use jvpn_proto::endpoint::Declined;
use jvpn_proto::messages::{AttachKind, Command, PathId, Report, Role};
use world::{CLIENT_INNER, Link, MS, S, Side, World};

#[test]
fn a_raced_init_makes_one_handshake() {
    // Path 1 takes longer than the stagger, so that INIT is out on both paths before a RESP.
    let mut world = World::new(&[300, 200], 10);
    world.capturing = true;
    world.connect();
    let inits = world.capture.iter().filter(|(_, _, data)| data[0] == 0x01).count();
    assert!(inits >= 2, "{inits}");
    assert_eq!(world.count(Side::Client, |report| matches!(report, Report::HandshakeDone { .. })), 1);
    assert_eq!(world.count(Side::Gateway, |report| matches!(report, Report::HandshakeConfirmed { .. })), 1);
    let mut resps: Vec<_> =
        world.capture.iter().filter(|(_, _, data)| data[0] == 0x02).map(|(_, _, data)| data).collect();
    resps.dedup();
    assert_eq!(resps.len(), 1, "a repeated INIT gets the identical RESP");
    world.assert_honest();
}

#[test]
fn a_session_is_assigned_its_address_and_carries_packets_both_ways() {
    let mut world = World::new(&[10], 10);
    world.connect();
    let assigned = world.find(Side::Client, |report| match report {
        Report::Assigned { assignment, .. } => Some(assignment.clone()),
        _ => None,
    });
    assert_eq!(assigned.unwrap().1, world::assignment());
    world.flow = [MS, MS];
    world.run(S);
    world.flow = [0, 0];
    world.run(S);
    assert_eq!(world.delivered_to(Side::Gateway) as u64, world.sent[0]);
    assert_eq!(world.delivered_to(Side::Client) as u64, world.sent[1]);
    assert!(world.sent[0] >= 999 && world.unsent == [0, 0] && world.held == [0, 0]);
    world.assert_honest();
}

#[test]
fn a45_an_inner_source_belongs_to_its_session() {
    let mut world = World::new(&[10], 10);
    world.connect();
    let session = world.gateway_session.unwrap();
    assert!(world.gateway.source_allowed(session, CLIENT_INNER.into()));
    assert!(!world.gateway.source_allowed(session, [10, 80, 0, 3].into()));
    assert_eq!(world.gateway.route_inner(CLIENT_INNER.into()), Some(session));
    assert_eq!(world.gateway.route_inner([10, 80, 0, 3].into()), None);
}

#[test]
fn a_standby_is_validated_at_both_ends_without_touching_the_send_path() {
    let mut world = World::new(&[10, 30], 10);
    world.connect();
    for side in [Side::Client, Side::Gateway] {
        let validated = |report: &Report| matches!(report, Report::PathValidated { path: 2, .. });
        assert_eq!(world.count(side, validated), 1, "{side:?}");
    }
    let (client, gateway) = (world.session(), world.gateway_session.unwrap());
    assert_eq!(world.client.send_route(client, world.now).unwrap().path, 1);
    assert_eq!(world.gateway.send_route(gateway, world.now).unwrap().path, 1);
}

#[test]
fn a_planned_switch_under_load_loses_nothing() {
    let mut world = World::ready(&[10, 10], 10);
    for bind_seq in 2..20 {
        world.attach(1 + bind_seq as u32 % 2, bind_seq, AttachKind::Switch);
        world.run(150 * MS);
    }
    world.flow = [0, 0];
    world.run(S);
    let validated = |report: &Report| matches!(report, Report::AttachValidated { .. });
    assert_eq!(world.count(Side::Client, validated), 19);
    assert_eq!((world.unsent, world.held), ([0, 0], [0, 0]));
    assert_eq!(world.delivered.len() as u64, world.sent[0] + world.sent[1]);
    assert_eq!(world.delivered_twice(), 0);
    world.assert_honest();
}

#[test]
fn a_path_that_was_never_a_candidate_is_attached_with_data_behind() {
    let mut world = World::ready(&[10], 10);
    world.open(2, Link::with_delay(10 * MS));
    world.attach(2, 2, AttachKind::Reattach);
    assert!(world.run_until(300 * MS, |report| matches!(report, Report::AttachValidated { path: 2, bind_seq: 2, .. })));
    let gateway = world.gateway_session.unwrap();
    assert_eq!(world.gateway.send_route(gateway, world.now).unwrap().path, 2);
    world.flow = [0, 0];
    world.run(S);
    assert_eq!(world.delivered.len() as u64, world.sent[0] + world.sent[1]);
    world.assert_honest();
}

#[test]
fn a_denied_activation_restores_the_send_path_and_is_told_with_its_reason() {
    let mut world = World::ready(&[10, 10], 10);
    world.answers = false;
    world.attach(2, 2, AttachKind::Switch);
    assert!(world.run_until(S, |report| matches!(report, Report::AttachRequested { bind_seq: 2, .. })));
    let session = world.gateway_session.unwrap();
    let deny_reason = Some("switch_rate_limited".to_owned());
    world.order_gateway(Command::AnswerAttach { session, path: 2, bind_seq: 2, deny_reason, retry_after_ms: 700 });
    world.run(100 * MS);
    let denied = world.find(Side::Client, |report| match report {
        Report::AttachDenied { path, bind_seq, reason, retry_after_ms, .. } => {
            Some((*path, *bind_seq, reason.clone(), *retry_after_ms))
        }
        _ => None,
    });
    assert_eq!(denied.unwrap().1, (2, 2, "switch_rate_limited".to_owned(), 700));
    let (client, now) = (world.session(), world.now);
    assert_eq!(world.client.send_route(client, now).unwrap().path, 1);
}

#[test]
fn a_path_that_is_left_while_it_is_suspected_is_cleared_when_it_is_heard() {
    let mut world = World::ready(&[10, 10], 10);
    suspect(&mut world, 1);
    world.attach(2, 2, AttachKind::Switch);
    world.black_hole(1, false, false);
    world.run(6 * S);
    assert_eq!((cleared(&world, 1), world.silent(Side::Client, 1)), (1, None));
}

#[test]
fn a_path_that_is_left_while_it_is_suspected_and_taken_again_is_cleared() {
    let mut world = World::ready(&[10, 10], 10);
    suspect(&mut world, 1);
    world.attach(2, 2, AttachKind::Switch);
    world.attach(1, 3, AttachKind::Switch);
    world.black_hole(1, false, false);
    world.run(100 * MS);
    assert_eq!((cleared(&world, 1), world.silent(Side::Client, 1)), (1, None));
}

#[test]
fn a_path_that_the_core_gave_up_while_it_was_suspected_is_alive_again_and_not_cleared() {
    let mut world = World::ready(&[10, 10], 10);
    suspect(&mut world, 1);
    let session = world.session();
    world.order(Command::SetPathDead { session, path: 1, dead: true });
    world.black_hole(1, false, false);
    world.run(6 * S);
    let alive = |report: &Report| matches!(report, Report::PathAlive { path: 1, .. });
    assert_eq!((world.count(Side::Client, alive), cleared(&world, 1)), (1, 0));
}

#[test]
fn a_target_that_was_suspected_is_cleared_when_it_is_heard_though_the_attempt_was_given_up() {
    let mut world = World::ready(&[10, 10], 10);
    world.attach(2, 2, AttachKind::Switch);
    suspect(&mut world, 2);
    let session = world.session();
    world.order(Command::AbortAttach { session, bind_seq: 2, restore: None });
    world.order(Command::SetProbing { session, interval_ms: 25 });
    world.black_hole(2, false, false);
    world.run(100 * MS);
    assert_eq!(cleared(&world, 2), 1);
}

/// The path loses everything from now on, and the client suspects it.
fn suspect(world: &mut World, path: PathId) {
    world.black_hole(path, true, true);
    let suspected = |report: &Report| matches!(report, Report::PathSuspected { path: one, .. } if *one == path);
    for _ in 0..1_000 {
        if world.count(Side::Client, suspected) > 0 {
            return;
        }
        world.run(MS);
    }
    panic!("path {path} is not suspected after a second of silence");
}

fn cleared(world: &World, path: PathId) -> usize {
    world.count(Side::Client, |report| matches!(report, Report::PathCleared { path: one, .. } if *one == path))
}

#[test]
fn an_unanswered_activation_is_told_after_three_ptos_and_sent_five_times() {
    let mut world = World::ready(&[10, 10], 10);
    world.black_hole(2, true, true);
    world.capturing = true;
    let begun = world.now;
    world.attach(2, 2, AttachKind::Reattach);
    assert!(world.run_until(S, |report| matches!(report, Report::AttachUnanswered { path: 2, bind_seq: 2, .. })));
    assert!(world.now - begun < 250 * MS, "{}", world.now - begun);
    let session = world.session();
    world.order(Command::AbortAttach { session, bind_seq: 2, restore: Some(1) });
    assert_eq!(world.client.send_route(session, world.now).unwrap().path, 1);
}

#[test]
fn a_gateway_that_needs_time_to_decide_says_so_and_is_asked_ever_more_seldom() {
    let mut world = World::ready(&[10, 10], 10);
    world.flow = [0, 0];
    world.run(5 * S);
    (world.answers, world.capturing) = (false, true);
    world.attach(2, 5, AttachKind::Reattach);
    world.run(8 * S);
    let asked = world.capture.iter().filter(|(to, path, _)| (*to, *path) == (Side::Gateway, 2)).count();
    assert!(asked <= 14, "{asked} messages in eight seconds");
    assert_eq!(world.count(Side::Client, |report| matches!(report, Report::AttachUnanswered { .. })), 0);
    let session = world.gateway_session.unwrap();
    let answer = Command::AnswerAttach { session, path: 2, bind_seq: 5, deny_reason: None, retry_after_ms: 0 };
    world.order_gateway(answer);
    let validated = |report: &Report| matches!(report, Report::AttachValidated { path: 2, bind_seq: 5, .. });
    assert!(world.run_until(50 * MS, validated));
}

#[test]
fn a_gateway_that_falls_silent_after_it_asked_to_wait_is_told_as_unanswered() {
    let mut world = World::ready(&[10, 10], 10);
    world.flow = [0, 0];
    world.run(5 * S);
    world.answers = false;
    world.attach(2, 5, AttachKind::Reattach);
    world.run(S);
    world.black_hole(2, true, true);
    let unanswered = |report: &Report| matches!(report, Report::AttachUnanswered { path: 2, bind_seq: 5, .. });
    assert!(world.run_until(3 * S, unanswered));
}

#[test]
fn what_waited_behind_an_activation_whose_path_is_gone_is_asked_at_once() {
    let mut world = World::ready(&[10, 10, 10], 10);
    world.answers = false;
    world.attach(2, 2, AttachKind::Switch);
    world.run(100 * MS);
    world.attach(3, 3, AttachKind::Switch);
    world.run(100 * MS);
    let asked = |report: &Report| matches!(report, Report::AttachRequested { path: 3, bind_seq: 3, .. });
    assert_eq!(world.count(Side::Gateway, asked), 0, "one at a time");
    world.order(Command::ClosePath { path: 2, reason: "link_down".to_owned() });
    assert!(world.run_until(50 * MS, asked));
}

#[test]
fn whoever_was_asked_to_wait_is_answered_twice() {
    let mut world = World::ready(&[10, 10], 10);
    world.flow = [0, 0];
    world.run(5 * S);
    for (waits, answers) in [(50 * MS, 1), (500 * MS, 2)] {
        let bind_seq = 2 + answers as u64;
        (world.answers, world.capturing) = (false, true);
        world.attach(2, bind_seq, AttachKind::Reattach);
        world.run(waits);
        world.capture.clear();
        let session = world.gateway_session.unwrap();
        let answer = Command::AnswerAttach { session, path: 2, bind_seq, deny_reason: None, retry_after_ms: 0 };
        world.order_gateway(answer);
        assert_eq!(world.capture.iter().filter(|(to, ..)| *to == Side::Client).count(), answers);
        world.run(S);
    }
}

#[test]
fn a_candidate_that_nobody_answers_is_none() {
    let mut world = World::ready(&[10], 10);
    world.open(2, Link::with_delay(10 * MS));
    world.black_hole(2, true, true);
    let session = world.session();
    world.order(Command::AddCandidate { session, path: 2 });
    assert!(world.run_until(4 * S, |report| matches!(report, Report::PathUnanswered { path: 2, .. })));
    world.black_hole(2, false, false);
    world.order(Command::AddCandidate { session, path: 2 });
    assert!(world.run_until(S, |report| matches!(report, Report::PathValidated { path: 2, .. })));
}

#[test]
fn the_gateways_wish_to_switch_arrives_once() {
    let mut world = World::ready(&[10, 10], 10);
    world.links.get_mut(&1).unwrap().down.loss = 0.5;
    let session = world.gateway_session.unwrap();
    world.order_gateway(Command::RequestSwitch { session, path: 2, reason: "operator".to_owned() });
    world.run(S);
    assert_eq!(world.count(Side::Client, |report| matches!(report, Report::SwitchRequested { path: 2, .. })), 1);
}

#[test]
fn a_wish_to_switch_that_the_client_denies_is_denied_once_even_with_loss() {
    let mut world = World::ready(&[10, 10], 10);
    world.links.get_mut(&1).unwrap().down.loss = 0.5;
    world.links.get_mut(&1).unwrap().up.loss = 0.5;
    let (client, session) = (world.session(), world.gateway_session.unwrap());
    world.order_gateway(Command::RequestSwitch { session, path: 2, reason: "operator".to_owned() });
    assert!(world.run_until(S, |report| matches!(report, Report::SwitchRequested { path: 2, .. })));
    let (reason, retry_after_ms) = ("cooldown_active".to_owned(), 1_200);
    world.order(Command::DenySwitch { session: client, path: 2, reason: reason.clone(), retry_after_ms });
    world.run(S);
    let denied = |report: &&Report| matches!(report, Report::SwitchDenied { .. });
    let told: Vec<_> = world.reports.iter().map(|(_, _, report)| report).filter(denied).cloned().collect();
    assert_eq!(told, [Report::SwitchDenied { session, path: 2, reason, retry_after_ms }]);
    let newer = Command::DenySwitch { session: client, path: 1, reason: String::new(), retry_after_ms: 0 };
    assert_eq!(world.client.command(world.now, newer), Err(Declined::Late), "nobody asked for path 1");
}

#[test]
fn the_client_closes_and_the_gateway_hears_it_once_even_with_loss() {
    let mut world = World::ready(&[10, 10], 10);
    world.links.get_mut(&1).unwrap().up.loss = 0.7;
    let session = world.session();
    world.order(Command::CloseSession { session, reason: "operator_terminated".to_owned() });
    assert!(world.client.command(world.now, Command::ForgetSession { session }).is_err(), "the keys are gone at once");
    world.run(S);
    let closed =
        |report: &Report| matches!(report, Report::PeerClosed { reason, .. } if reason == "operator_terminated");
    assert_eq!(world.count(Side::Gateway, closed), 1);
    assert_eq!(world.gateway.route_inner(CLIENT_INNER.into()), None);
    assert_eq!(world.count(Side::Client, |report| matches!(report, Report::Hinted { .. })), 0);
}

#[test]
fn the_gateway_closes_and_an_acknowledgement_ends_the_retries() {
    let mut world = World::ready(&[10], 10);
    world.flow = [0, 0];
    world.run(10 * MS);
    world.capturing = true;
    let session = world.gateway_session.unwrap();
    world.order_gateway(Command::CloseSession { session, reason: "operator_terminated".to_owned() });
    world.run(S);
    assert_eq!(world.count(Side::Client, |report| matches!(report, Report::PeerClosed { .. })), 1);
    let to_client = world.capture.iter().filter(|(to, _, data)| *to == Side::Client && data[0] == 0x10).count();
    assert_eq!(to_client, 1, "one CLOSE, acknowledged");
}

#[test]
fn a_closed_path_is_told_on_another_one() {
    let mut world = World::ready(&[10, 10], 10);
    world.order(Command::ClosePath { path: 2, reason: "link_down".to_owned() });
    let closed =
        |report: &Report| matches!(report, Report::PathClosed { path: 2, reason, .. } if reason == "link_down");
    assert!(world.run_until(100 * MS, closed));
}

#[test]
fn a30_a_challenged_session_answers_while_it_lives_and_does_not_when_it_is_gone() {
    let mut world = World::ready(&[10, 10], 10);
    let session = world.gateway_session.unwrap();
    world.order_gateway(Command::ChallengeSession { session });
    assert!(world.run_until(100 * MS, |report| matches!(report, Report::ChallengeResult { answered: true, .. })));
    let client = world.session();
    world.order(Command::ForgetSession { session: client });
    world.order_gateway(Command::ChallengeSession { session });
    assert!(world.run_until(3 * S, |report| matches!(report, Report::ChallengeResult { answered: false, .. })));
}

#[test]
fn a_gateway_that_restarted_hints_and_a_new_dial_finds_another_incarnation() {
    let mut world = World::ready(&[10], 10);
    let old = std::mem::replace(&mut world.gateway, {
        let fresh = World::new(&[10], 10);
        fresh.gateway
    });
    drop(old);
    assert!(world.run_until(S, |report| matches!(report, Report::Hinted { .. })));
    world.run(5 * S);
    assert_eq!(world.count(Side::Client, |report| matches!(report, Report::Hinted { .. })), 1, "once in ten seconds");
    world.dial();
    assert!(world.run_until(S, |report| matches!(report, Report::HandshakeDone { .. })));
}

#[test]
fn a_dial_without_an_answer_gives_up_after_ninety_seconds() {
    let mut world = World::new(&[10], 10);
    world.black_hole(1, true, true);
    world.capturing = true;
    world.dial();
    assert!(world.run_until(95 * S, |report| matches!(report, Report::HandshakeUnanswered { dial: 1 })));
    assert_eq!((world.now - S) / S, 90);
    assert!((15..30).contains(&world.capture.len()), "{}", world.capture.len());
    world.dial();
}

#[test]
fn a_command_of_the_other_role_or_about_nothing_is_refused_with_its_reason() {
    let mut world = World::new(&[10], 10);
    let refused = world.gateway.command(0, Command::AbortDial { dial: 1 });
    assert!(refused.unwrap_err().to_string().contains(&format!("{:?}", Role::Client)));
    let refused = world.client.command(0, Command::ConfirmSession { session: 9 });
    assert!(refused.unwrap_err().to_string().contains("does not exist"));
    let refused = world.client.command(0, Command::ClosePath { path: 1, reason: "Not a reason".to_owned() });
    assert!(refused.unwrap_err().to_string().contains("not a reason"));
}

/// Connected and without traffic; what is captured from now on is CLOSE and its answer. Also the index under which the
/// gateway receives.
fn about_to_close() -> (World, [u8; 4]) {
    let mut world = World::ready(&[10], 10);
    world.capturing = true;
    world.run(5 * MS);
    let sent = world.capture.iter().rev().find(|(to, ..)| *to == Side::Gateway).unwrap();
    let index = sent.2[4..8].try_into().unwrap();
    world.flow = [0, 0];
    world.run(15 * MS);
    world.capture.clear();
    (world, index)
}

fn close_from_gateway(world: &mut World) {
    let session = world.gateway_session.unwrap();
    world.order_gateway(Command::CloseSession { session, reason: "operator_terminated".to_owned() });
}

/// Number of sealed messages, without HINTs.
fn sent_to_client(world: &World) -> usize {
    world.capture.iter().filter(|(to, _, data)| *to == Side::Client && data[0] == 0x10).count()
}

#[test]
fn a_close_that_was_lost_once_or_twice_arrives_all_the_same() {
    for lost in 1..3 {
        let (mut world, _) = about_to_close();
        world.black_hole(1, false, true);
        close_from_gateway(&mut world);
        while sent_to_client(&world) < lost {
            world.run(MS);
        }
        world.black_hole(1, false, false);
        world.run(S);
        assert_eq!(world.count(Side::Client, |report| matches!(report, Report::PeerClosed { .. })), 1);
        assert_eq!(sent_to_client(&world), lost + 1);
    }
}

#[test]
fn a_close_that_nobody_answers_is_sent_three_times() {
    let (mut world, _) = about_to_close();
    world.black_hole(1, true, true);
    close_from_gateway(&mut world);
    world.run(60 * S);
    assert_eq!(sent_to_client(&world), 3);
}

#[test]
fn an_acknowledgement_of_close_from_a_foreign_address_ends_no_retry() {
    let (mut world, index) = about_to_close();
    world.black_hole(1, false, true);
    close_from_gateway(&mut world);
    let mut forged = [0; 16 + 3 + 16];
    forged[0] = 0x10;
    forged[4..8].copy_from_slice(&index);
    world.receive(Side::Gateway, world::gateway_route(([203, 0, 113, 9], 666).into()), &mut forged);
    world.run(S);
    assert_eq!(sent_to_client(&world), 3);
}
