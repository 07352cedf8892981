//! Commands of the core without effect: they came too late, or core and engine disagree.
#![allow(clippy::unwrap_used, reason = "a test")]

mod world;

use jvpn_proto::blame::DropKind;
use jvpn_proto::endpoint::Declined;
use jvpn_proto::messages::{AttachKind, Command, Report, TEXT_MAX};
use world::{MS, S, Side, World};

fn refusals(world: &World, of: Side) -> Vec<Report> {
    let of_side = world.reports.iter().filter(|(_, side, _)| *side == of);
    of_side.map(|(_, _, report)| report.clone()).filter(|report| matches!(report, Report::Refused { .. })).collect()
}

#[test]
fn an_order_that_crosses_the_end_of_its_session_is_counted_and_reported_to_nobody() {
    let mut world = World::ready(&[10, 10], 10);
    let (client, gateway) = (world.session(), world.gateway_session.unwrap());
    world.order(Command::CloseSession { session: client, reason: "operator_terminated".to_owned() });
    world.run(100 * MS);
    let late = [
        Command::AnswerAttach { session: gateway, path: 1, bind_seq: 1, deny_reason: None, retry_after_ms: 0 },
        Command::RequestSwitch { session: gateway, path: 2, reason: String::new() },
        Command::ChallengeSession { session: gateway },
        Command::SetPathDead { session: gateway, path: 1, dead: true },
        Command::SetProbing { session: gateway, interval_ms: 10 },
        Command::CloseSession { session: gateway, reason: "daemon_stopped".to_owned() },
        Command::ForgetSession { session: gateway },
    ];
    for command in late {
        assert_eq!(world.gateway.command(world.now, command.clone()), Err(Declined::Late), "{command:?}");
    }
    let confirm = Command::ConfirmSession { session: client };
    assert_eq!(world.client.command(world.now, confirm), Err(Declined::Late));
    world.run(2 * S);
    assert_eq!((refusals(&world, Side::Gateway), refusals(&world, Side::Client)), (Vec::new(), Vec::new()));
    assert_eq!(world.drops(Side::Gateway, DropKind::CommandTooLate), 7);
}

#[test]
fn an_order_for_a_path_that_was_closed_is_late_and_one_for_a_path_that_never_was_is_refused() {
    let mut world = World::ready(&[10, 10], 10);
    let session = world.session();
    let attach =
        |path| Command::Attach { session, path, bind_seq: 7, kind: AttachKind::Reattach, reason: String::new() };
    world.order(Command::ClosePath { path: 2, reason: "link_down".to_owned() });
    assert_eq!(world.client.command(world.now, attach(2)), Err(Declined::Late));
    assert_eq!(world.client.command(world.now, Command::AddCandidate { session, path: 2 }), Err(Declined::Late));
    let again = Command::ClosePath { path: 2, reason: "link_down".to_owned() };
    assert_eq!(world.client.command(world.now, again), Err(Declined::Late));
    assert!(matches!(world.client.command(world.now, attach(3)), Err(Declined::Refused(_))));
    world.run(100 * MS);
    let why = "path 3 does not exist".to_owned();
    let (command, session) = ("Attach".to_owned(), Some(session));
    assert_eq!(refusals(&world, Side::Client), [Report::Refused { command, session, path: None, dial: None, why }]);
    assert!(world.active(), "the session is the core's to end");
}

#[test]
fn what_the_core_was_never_asked_about_cannot_be_answered() {
    let mut world = World::ready(&[10], 10);
    let session = world.gateway_session.unwrap();
    let answer = |bind_seq| Command::AnswerAttach { session, path: 1, bind_seq, deny_reason: None, retry_after_ms: 0 };
    assert_eq!(world.gateway.command(world.now, answer(1)), Err(Declined::Late), "it was answered");
    assert!(matches!(world.gateway.command(world.now, answer(2)), Err(Declined::Refused(_))));
}

#[test]
fn a_path_or_a_dial_that_cannot_begin_is_named_by_the_refusal() {
    let mut world = World::ready(&[10], 10);
    let nowhere = world::open_path(1, [10, 0, 0, 1].into(), ([192, 0, 2, 1], 4774).into());
    let unnamed = Command::Dial { dial: 8, gateway_key: "?".repeat(4 * TEXT_MAX), paths: vec![1], about: None };
    for command in [nowhere, unnamed] {
        assert!(matches!(world.client.command(world.now, command), Err(Declined::Refused(_))));
    }
    world.run(MS);
    let named: Vec<_> = refusals(&world, Side::Client)
        .into_iter()
        .map(|report| match report {
            Report::Refused { command, session: None, path, dial, why } => (command, path, dial, why.len() <= TEXT_MAX),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(named, [("OpenPath".to_owned(), Some(1), None, true), ("Dial".to_owned(), None, Some(8), true)]);
}

#[test]
fn a_confirmation_that_stays_unanswered_can_be_repeated_and_after_its_answer_it_is_late() {
    let mut world = World::new(&[10], 10);
    world.dial();
    assert!(world.run_until(S, |report| matches!(report, Report::HandshakeDone { .. })));
    world.black_hole(1, true, false);
    assert!(world.run_until(4 * S, |report| matches!(report, Report::AttachUnanswered { bind_seq: 1, .. })));
    world.black_hole(1, false, false);
    let confirm = Command::ConfirmSession { session: world.session() };
    assert_eq!(world.client.command(world.now, confirm.clone()), Ok(()));
    world.flush(Side::Client);
    assert!(world.run_until(S, |report| matches!(report, Report::AttachValidated { bind_seq: 1, .. })));
    assert_eq!(world.client.command(world.now, confirm), Err(Declined::Late));
    world.run(S);
    assert_eq!((refusals(&world, Side::Gateway), refusals(&world, Side::Client)), (Vec::new(), Vec::new()));
    assert!(world.active());
}
