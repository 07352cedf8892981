//! What a client learns in RESP about the session that it holds, and how a removed client is refused.
#![allow(clippy::unwrap_used, reason = "tests")]

mod world;

use jvpn_proto::blame::DropKind;
use jvpn_proto::messages::{Command, Report, SessionHandle, Standing};
use world::{MS, S, Side, World};

fn session_id(world: &World) -> String {
    let of = |report: &Report| match report {
        Report::HandshakeDone { session_id, .. } => Some(session_id.clone()),
        _ => None,
    };
    world.find(Side::Client, of).unwrap().1
}

fn client_key(world: &World) -> String {
    world.client.public_key().to_text()
}

/// The gateway's core says what became of the first session.
fn note(world: &mut World, ended: Option<&str>) {
    let (key, session_id) = (client_key(world), session_id(world));
    world.order_gateway(Command::SetStanding { key, session_id, ended: ended.map(str::to_owned) });
}

/// Dials beside the session and asks about it; the new session is given up.
fn ask(world: &mut World, about: Option<SessionHandle>) -> Option<Standing> {
    let (gateway_key, dial) = (world.gateway.public_key().to_text(), 2 + world.reports.len() as u32);
    let held = world.session;
    world.order(Command::Dial { dial, gateway_key, paths: vec![1], about });
    let mut heard = None;
    world.run_until(S, |report| match report {
        Report::HandshakeDone { standing, dial: done, .. } if *done == dial => {
            heard = Some(standing.clone());
            true
        }
        _ => false,
    });
    world.session = held;
    heard
}

#[test]
fn the_answer_to_a_dial_says_whether_the_session_is_live_ended_or_unknown() {
    let mut world = World::ready(&[10, 20], 50);
    let session = world.session;
    assert_eq!(ask(&mut world, None), Some(Standing::NotAsked));
    assert_eq!(ask(&mut world, session), Some(Standing::Unknown), "the gateway's core has said nothing about it");
    note(&mut world, None);
    assert_eq!(ask(&mut world, session), Some(Standing::Live));
    note(&mut world, Some("session_lifetime_exceeded"));
    let ended = Standing::Ended { reason: "session_lifetime_exceeded".to_owned() };
    assert_eq!(ask(&mut world, session), Some(ended));
    assert_eq!(ask(&mut world, Some(99)), Some(Standing::NotAsked), "the client does not hold such a session");
}

#[test]
fn a_removed_client_is_told_why_and_gets_nothing_else() {
    let mut world = World::new(&[10], 50);
    let key = client_key(&world);
    world.order_gateway(Command::RemovePeer { key, reason: "client_removed".to_owned() });
    world.dial();
    let began = world.now;
    let refused = |report: &Report| matches!(report, Report::HandshakeRefused { dial: 1, reason, .. } if reason == "client_removed");
    assert!(world.run_until(S, refused));
    assert_eq!(world.now - began, 20 * MS, "one round trip");
    world.run(10 * S);
    assert_eq!((world.session, world.gateway_session), (None, None));
    assert_eq!(world.drops(Side::Gateway, DropKind::PeerRemoved), 1, "the dial is over");
    assert_eq!(world.client.next_deadline(), None);
}

#[test]
fn what_a_refused_client_repeats_is_answered_and_takes_no_slot() {
    let mut world = World::new(&[10], 50);
    let key = client_key(&world);
    world.order_gateway(Command::RemovePeer { key, reason: "client_removed".to_owned() });
    world.capturing = true;
    world.dial();
    world.run(S);
    let init = world.capture[0].2.clone();
    let sessions = world.capture.len();
    for _ in 0..100 {
        world.receive(Side::Gateway, world::gateway_route(world::client_address(1)), &mut init.clone());
        world.run(60 * MS);
    }
    assert!(world.capture.len() > sessions, "the answers are as many as the rate of its address permits");
    assert_eq!(world.count(Side::Gateway, |report| matches!(report, Report::HandshakeConfirmed { .. })), 0);
    assert_eq!(world.drops(Side::Gateway, DropKind::SessionUnconfirmed), 0, "no session waited");
}
