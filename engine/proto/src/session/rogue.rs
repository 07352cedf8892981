//! A client with valid keys that does what no honest client does: its messages are sealed, so only the frames can show
//! the fault.

mod claims;
mod early;
mod gateway;
mod greedy;

use std::net::SocketAddr;

use crate::frames::{
    Attach, AttachKind, Close, Detail, Frame, PathToken, Probe, ProbeReply, Reason, Rekey, Scope, Switch, SwitchDeny,
    Transport,
};
use crate::messages::{DenialReason, PathId, Report};
use crate::vocabulary::blame::{DropKind, PeerFault};
use crate::vocabulary::{Limits, Route};
use crate::world::{Link, MS, S, Side, World, gateway_route, limits};

/// The client sends these frames on a path, now.
fn send(world: &mut World, path: PathId, frames: &[Frame]) {
    let (now, handle) = (world.now, world.session());
    let client = &mut world.client;
    if let Some(session) = client.sessions.get_mut(&handle) {
        session.send_frames(now, &mut client.cx, path, frames);
    }
    world.flush(Side::Client);
}

/// The client seals these bytes as one plaintext.
fn send_raw(world: &mut World, plaintext: &[u8]) {
    let handle = world.session();
    let receiver = index_at_gateway(world);
    let session = world.client.sessions.get_mut(&handle);
    let sealed = session.and_then(|session| session.epochs.seal_frames(plaintext, receiver));
    world.receive(Side::Gateway, path_route(1), &mut sealed.unwrap_or_default());
}

/// One message of the client with these frames, under its next counter.
fn sealed(world: &mut World, frames: &[Frame]) -> Vec<u8> {
    let handle = world.session();
    let sealed = world.client.sessions.get_mut(&handle).and_then(|session| session.seal_control(frames));
    sealed.unwrap_or_default()
}

/// The same; it reaches the gateway from an address that the attacker chooses.
fn send_from(world: &mut World, address: SocketAddr, frames: &[Frame]) -> u64 {
    let mut sealed = sealed(world, frames);
    let len = sealed.len() as u64;
    world.receive(Side::Gateway, gateway_route(address), &mut sealed);
    len
}

fn index_at_gateway(world: &mut World) -> u32 {
    let handle = world.session();
    world.client.sessions.get(&handle).map_or(0, |session| session.tx_index)
}

fn path_route(path: PathId) -> Route {
    gateway_route(crate::world::client_address(path))
}

fn quiet(delays_ms: &[u64]) -> World {
    let mut world = World::ready(delays_ms, 10);
    world.flow = [0, 0];
    world.run(5 * S);
    world
}

fn answers(world: &World) -> usize {
    world.capture.iter().filter(|(to, ..)| *to == Side::Client).count()
}

fn blamed(world: &World) -> Vec<PeerFault> {
    let kind = |report: &Report| match report {
        Report::ValidationFailed { kind, attributable: true, .. } => Some(*kind),
        _ => None,
    };
    world
        .reports
        .iter()
        .filter(|(_, side, _)| *side == Side::Gateway)
        .filter_map(|(_, _, report)| kind(report))
        .collect()
}

fn attach(path: PathId, kind: AttachKind, bind_seq: u64, owner_epoch: u64) -> Frame {
    let (challenge, reason) = ([9; 16], Reason::EMPTY);
    Frame::Attach(Attach { kind, path, bind_seq, owner_epoch, index: 77, transport: Transport::Udp, challenge, reason })
}

fn switch(to: PathId, bind_seq: u64) -> Frame {
    Frame::Switch(Switch { reason: Reason::EMPTY, redundant: false, from: 1, to, bind_seq, first_counter: 0 })
}

fn bound(world: &mut World) -> Option<PathId> {
    let handle = world.gateway_session?;
    world.gateway.send_route(handle, world.now).map(|route| route.path)
}

fn requests(world: &World) -> usize {
    world.count(Side::Gateway, |report| matches!(report, Report::AttachRequested { .. }))
}

#[test]
fn a24_a_flood_of_challenges_has_one_pending_answer_per_path() {
    let mut world = World::ready(&[10, 10], 10);
    world.flow = [0, 0];
    world.run(5 * S);
    let challenge = |n: u8| Frame::PathChallenge(PathToken { path: 1, token: [n; 16] });
    let flood: Vec<Frame> = (0..16).map(challenge).collect();
    world.capturing = true;
    send(&mut world, 1, &flood);
    world.run(11 * MS);
    let answers = world.capture.iter().filter(|(to, ..)| *to == Side::Client).count();
    assert_eq!(answers, 1);
    assert_eq!(blamed(&world), Vec::<PeerFault>::new());
}

#[test]
fn a_denial_of_a_switch_that_nobody_requested_is_counted_and_reported_to_nobody() {
    let mut world = quiet(&[10, 10]);
    let denial = |id| SwitchDeny { id, reason: Reason::EMPTY, retry_after_ms: 0 };
    send(&mut world, 1, &[Frame::SwitchDeny(denial(1)), Frame::SwitchDeny(denial(2))]);
    world.run(100 * MS);
    assert_eq!(world.drops(Side::Gateway, DropKind::StaleSwitchDeny), 2);
    assert_eq!(world.count(Side::Gateway, |report| matches!(report, Report::SwitchDenied { .. })), 0);
    assert_eq!(blamed(&world), Vec::<PeerFault>::new());
}

#[test]
fn a25_a_ninth_path_is_denied() {
    let mut world = World::ready(&[10], 10);
    for path in 2..=8 {
        world.open(path, Link::with_delay(10 * MS));
        let session = world.session();
        world.order(crate::messages::Command::AddCandidate { session, path });
        world.run(200 * MS);
    }
    let session = world.gateway_session.unwrap_or_default();
    let paths = |world: &World| world.gateway.sessions.get(&session).map_or(0, |session| session.paths.len());
    assert_eq!(paths(&world), 8);
    world.open(9, Link::with_delay(10 * MS));
    let session = world.session();
    let refused = world.client.command(world.now, crate::messages::Command::AddCandidate { session, path: 9 });
    assert!(refused.is_err());
    send(&mut world, 1, &[attach(9, AttachKind::Candidate, 0, 1)]);
    world.run(100 * MS);
    assert_eq!(paths(&world), 8);
}

/// The reported denials of the gateway: time, path, reason, number.
fn denials(world: &World) -> Vec<(u64, PathId, DenialReason, u32)> {
    let denial = |(at, _, report): &(u64, Side, Report)| match *report {
        Report::ActivationsDenied { path, reason, count, .. } => Some((*at, path, reason, count)),
        _ => None,
    };
    world.reports.iter().filter_map(denial).collect()
}

#[test]
fn every_denial_of_the_engine_is_reported_once_a_second_for_its_reason_and_none_is_lost() {
    let mut world = World::ready(&[10], 10);
    world.flow = [0, 0];
    world.run(5 * S);
    let began = world.now;
    for round in 0..30 {
        send(&mut world, 1, &[switch(7, 100 + round)]);
        send(&mut world, 1, &[attach(9, AttachKind::Candidate, 0, 0)]);
        world.run(100 * MS);
    }
    world.run(2 * S);
    for (reason, path) in [(DenialReason::PathNotValidated, 7), (DenialReason::OwnershipStale, 9)] {
        let reported: Vec<_> = denials(&world).into_iter().filter(|(_, _, of, _)| *of == reason).collect();
        let times: Vec<u64> = reported.iter().map(|(at, ..)| (at - began) / S).collect();
        assert_eq!(times, [0, 1, 2, 3], "the first at once, then one a second: {reported:?}");
        assert_eq!(reported[0].3, 1);
        assert_eq!(reported.iter().map(|(.., count)| count).sum::<u32>(), 30);
        assert!(reported.iter().all(|(_, of, ..)| *of == path));
    }
}

#[test]
fn denials_that_wait_are_reported_before_the_peers_close() {
    let mut world = World::ready(&[10], 10);
    for round in 0..3 {
        send(&mut world, 1, &[switch(7, 100 + round)]);
        world.run(20 * MS);
    }
    let close = Close { scope: Scope::Session, reason: Reason::EMPTY, version: 0, detail: Detail::EMPTY };
    send(&mut world, 1, &[Frame::Close(close)]);
    world.run(20 * MS);
    assert_eq!(denials(&world).iter().map(|(.., count)| count).sum::<u32>(), 3);
    assert_eq!(world.count(Side::Gateway, |report| matches!(report, Report::PeerClosed { .. })), 1);
}

#[test]
fn a26_a_stale_bind_seq_is_ignored_and_an_equal_one_answered_again() {
    let mut world = World::ready(&[10, 10], 10);
    world.attach(2, 5, crate::messages::AttachKind::Switch);
    world.run(100 * MS);
    assert_eq!((bound(&mut world), requests(&world)), (Some(2), 1));
    send(&mut world, 1, &[switch(1, 4)]);
    send(&mut world, 1, &[attach(1, AttachKind::Reattach, 3, 1)]);
    world.run(100 * MS);
    assert_eq!((bound(&mut world), requests(&world)), (Some(2), 1));
    world.flow = [0, 0];
    world.run(5 * S);
    world.capturing = true;
    send(&mut world, 2, &[switch(2, 5)]);
    world.run(11 * MS);
    assert_eq!(world.capture.iter().filter(|(to, ..)| *to == Side::Client).count(), 1, "acknowledged again");
    assert_eq!(requests(&world), 1);
    assert_eq!(blamed(&world), Vec::<PeerFault>::new());
}

#[test]
fn a27_a_stale_owner_epoch_is_denied_and_a_future_one_attributable() {
    let mut world = World::ready(&[10, 10], 10);
    send(&mut world, 2, &[attach(2, AttachKind::Reattach, 2, 0)]);
    world.run(100 * MS);
    assert_eq!((bound(&mut world), requests(&world)), (Some(1), 0));
    send(&mut world, 2, &[attach(2, AttachKind::Reattach, 3, 2)]);
    world.run(100 * MS);
    assert_eq!(blamed(&world), [PeerFault::FutureOwnerEpoch]);
    assert_eq!(bound(&mut world), Some(1));
}

#[test]
fn a28_what_no_honest_peer_produces_is_attributable() {
    let mut world = World::ready(&[10, 10], 10);
    let reply = ProbeReply {
        path: 1,
        seq: 1 << 30,
        t_echo_us: 0,
        hold_us: 0,
        rx_packets: 0,
        rx_bytes: 0,
        tx_seen: 0,
        jitter_us: 0,
    };
    let forgeries = [
        (Frame::PathResponse(PathToken { path: 1, token: [1; 16] }), PeerFault::EchoNeverIssued),
        (Frame::ProbeReply(reply), PeerFault::EchoNeverIssued),
        (Frame::RekeyInit(Rekey { epoch: 9, e: [5; 32] }), PeerFault::FutureEpoch),
        (Frame::RekeyInit(Rekey { epoch: 1, e: [0; 32] }), PeerFault::LowOrderPoint),
        (Frame::RekeyRequest { epoch: 1 }, PeerFault::FrameOfTheOtherRole),
    ];
    let mut expected = Vec::new();
    for (frame, kind) in forgeries {
        send(&mut world, 1, &[frame]);
        world.run(20 * MS);
        expected.push(kind);
        assert_eq!(blamed(&world), expected);
    }
    send_raw(&mut world, &[0x3f, 1, 0]);
    send_raw(&mut world, &[0x90; 40]);
    expected.extend([PeerFault::UndecodableFrames, PeerFault::UndecodablePlaintext]);
    assert_eq!(blamed(&world), expected);
    assert_eq!(bound(&mut world), Some(1));
}

#[test]
fn a28_late_and_misplaced_frames_prove_nothing() {
    let mut world = World::ready(&[10, 10], 10);
    let session = world.gateway_session.unwrap_or_default();
    world.order_gateway(crate::messages::Command::ChallengeSession { session });
    let issued = world.gateway.sessions.get(&session).and_then(|session| session.paths[0].challenge).map(|it| it.token);
    world.run(S);
    let token = issued.unwrap_or_default();
    let probe = Probe { path: 2, seq: 9, t_us: 1, tx_packets: 0, tx_bytes: 0, deaf_on: 0, age_ms: 0 };
    for frame in [
        Frame::PathResponse(PathToken { path: 1, token }),
        Frame::Probe(probe),
        switch(1, 0),
        Frame::RekeyInit(Rekey { epoch: 0, e: [5; 32] }),
    ] {
        send(&mut world, 1, &[frame]);
        world.run(50 * MS);
    }
    world.run(2 * S);
    assert_eq!(blamed(&world), Vec::<PeerFault>::new());
    for kind in [DropKind::StaleEcho, DropKind::PathMismatch, DropKind::StaleBindSeq, DropKind::StaleRekey] {
        assert!(world.drops(Side::Gateway, kind) >= 1, "{kind:?}");
    }
}

#[test]
fn a28_a_flood_of_forgeries_is_a_bounded_number_of_reports() {
    let mut world = World::ready(&[10], 10);
    for _ in 0..1_000 {
        send_raw(&mut world, &[0x3f, 1, 0]);
    }
    assert_eq!(blamed(&world).len(), 16);
}

#[test]
fn a31_a_switch_to_a_path_that_is_not_validated_is_denied() {
    let mut world = World::ready(&[10, 10], 10);
    world.capturing = true;
    send(&mut world, 1, &[switch(7, 2)]);
    world.run(50 * MS);
    assert_eq!((bound(&mut world), requests(&world)), (Some(1), 0));
    assert_eq!(blamed(&world), Vec::<PeerFault>::new());
}

#[test]
fn a49_random_plaintexts_in_a_valid_seal_never_end_the_process_nor_move_the_binding() {
    let mut world = World::ready(&[10, 10], 10);
    for n in 0..5_000_usize {
        let mut plaintext: Vec<u8> = (0..n % 90).map(|_| world.draw() as u8).collect();
        if let Some(first) = plaintext.first_mut() {
            // Types except inner packets and CLOSE.
            *first = [1, 2, 3, 4, 6, 7, 9, 11, 12, 13, 14, 15, 16, 24][n % 14];
        }
        if plaintext.len() > 3 {
            let body = (plaintext.len() - 3) as u16;
            plaintext[1..3].copy_from_slice(&body.to_le_bytes());
        }
        send_raw(&mut world, &plaintext);
    }
    world.run(S);
    assert_eq!(bound(&mut world), Some(1));
}

/// Both ends have all their keys prepared.
fn awake(world: &World) -> bool {
    let ends = [(&world.client, world.session()), (&world.gateway, world.gateway_session.unwrap_or_default())];
    ends.iter().all(|(end, id)| end.sessions.get(id).is_some_and(|session| session.epochs.awake()))
}

#[test]
fn keys_are_ready_under_traffic_also_after_a_rekey() {
    let mut world = World::with(&[10], 10, Limits { rekey_after_us: 2 * S, reject_after_us: 4 * S, ..limits() }, 2);
    world.connect();
    world.flow = [MS, MS];
    for _ in 0..600 {
        world.run(10 * MS);
        let rotated = world.count(Side::Gateway, |report| matches!(report, Report::KeyRotated { .. }));
        assert!(awake(&world) || rotated == 0 && world.now < 2 * S, "after {rotated} rotations");
    }
    assert!(world.count(Side::Gateway, |report| matches!(report, Report::KeyRotated { .. })) >= 2);
}

#[test]
fn the_work_of_a_timer_moves_its_deadline_so_that_no_session_is_woken_for_nothing() {
    let mut world = World::ready(&[10, 80], 10);
    world.attach(2, 2, crate::messages::AttachKind::Switch);
    for round in 0..600 {
        if round == 300 {
            world.flow = [0, 0];
        }
        // Each session asserts, after its work, that none of its timers is due.
        world.run(10 * MS);
    }
    assert!(!awake(&world), "the keys are at rest");
}

#[test]
fn a_session_whose_peer_is_gone_is_not_woken_for_nothing() {
    let mut world = World::ready(&[10, 10], 10);
    let session = world.gateway_session.unwrap_or_default();
    // The traffic moves to another session; of this one the standby has nothing to say before its keepalive.
    world.dial();
    world.run(2 * S);
    world.order_gateway(crate::messages::Command::ForgetSession { session });
    world.run(130 * S);
    assert!(world.silent(Side::Client, 2).is_some());
}

#[test]
fn an_idle_session_of_two_paths_has_its_keys_at_rest_and_little_more() {
    let mut world = World::ready(&[10, 10], 10);
    let id = world.gateway_session.unwrap_or_default();
    assert!(awake(&world), "it carries traffic");
    world.flow = [0, 0];
    world.run(30 * S);
    assert!(world.gateway.sessions.get(&id).is_some_and(|session| !session.epochs.awake()), "its keys are 64 bytes");
    let paths = world.gateway.sessions.get(&id).map_or(0, |session| session.paths.capacity());
    let whole = size_of::<super::Session>() + paths * size_of::<crate::path::Path>();
    assert!(whole <= 2_440, "{whole} bytes without the replay window");
}
