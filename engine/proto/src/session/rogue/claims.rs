//! A client with valid keys that claims paths and addresses which it has not proved.

use std::net::SocketAddr;

use super::{answers, attach, blamed, bound, denials, quiet, requests, sealed, send, send_from, switch};
use crate::frames::{AttachKind, Frame, PathToken, Probe};
use crate::messages::{Command, DenialReason, PathId, Report};
use crate::vocabulary::blame::{DropKind, PeerFault};
use crate::world::{Link, MS, S, Side, World, client_address, gateway_route};

fn victim() -> SocketAddr {
    ([203, 0, 113, 9], 53).into()
}

fn validated_at_gateway(world: &World, path: PathId) -> usize {
    world.count(Side::Gateway, |report| matches!(report, Report::PathValidated { path: one, .. } if *one == path))
}

/// The token with which the gateway challenges a path now.
fn challenge_of(world: &World, path: PathId) -> Option<[u8; 16]> {
    let session = world.gateway.sessions.get(&world.gateway_session?)?;
    session.path(path)?.challenge.map(|challenge| challenge.token)
}

fn response(path: PathId, token: [u8; 16]) -> Frame {
    Frame::PathResponse(PathToken { path, token })
}

#[test]
fn a23_only_the_token_of_its_own_challenge_validates_a_path() {
    let mut world = quiet(&[10]);
    send_from(&mut world, victim(), &[attach(2, AttachKind::Candidate, 0, 1)]);
    let token = challenge_of(&world, 2);
    assert!(token.is_some());
    send_from(&mut world, victim(), &[response(2, [1; 16])]);
    assert_eq!((validated_at_gateway(&world, 2), challenge_of(&world, 2)), (0, token));
    assert_eq!(blamed(&world), [PeerFault::EchoNeverIssued]);
    send_from(&mut world, victim(), &[response(2, token.unwrap_or_default())]);
    assert_eq!((validated_at_gateway(&world, 2), challenge_of(&world, 2)), (1, None));
}

#[test]
fn a24_a_challenge_that_names_another_path_than_it_came_on_is_not_answered() {
    let mut world = quiet(&[10, 10]);
    world.capturing = true;
    send(&mut world, 1, &[Frame::PathChallenge(PathToken { path: 2, token: [9; 16] })]);
    world.run(11 * MS);
    assert_eq!(answers(&world), 0);
    world.run(2 * S);
    assert_eq!(world.drops(Side::Gateway, DropKind::PathMismatch), 1);
}

#[test]
fn a25_paths_that_never_answer_leave_room_for_one_that_does() {
    let mut world = quiet(&[10]);
    let claims: Vec<Frame> = (101..108).map(|path| attach(path, AttachKind::Candidate, 0, 1)).collect();
    send_from(&mut world, victim(), &claims);
    world.run(4 * S);
    assert_eq!(world.drops(Side::Gateway, DropKind::PathNotValidated), 7);
    world.open(2, Link::with_delay(10 * MS));
    let session = world.session();
    world.order(Command::AddCandidate { session, path: 2 });
    world.run(S);
    assert_eq!(validated_at_gateway(&world, 2), 1);
}

#[test]
fn a31_a_switch_to_a_path_whose_validation_still_runs_is_denied() {
    let mut world = quiet(&[10]);
    send_from(&mut world, victim(), &[attach(2, AttachKind::Candidate, 0, 1)]);
    send(&mut world, 1, &[switch(2, 9)]);
    world.run(50 * MS);
    let denied: Vec<_> = denials(&world).into_iter().map(|(_, path, reason, count)| (path, reason, count)).collect();
    assert_eq!(denied, [(2, DenialReason::PathNotValidated, 1)]);
    assert_eq!((bound(&mut world), requests(&world)), (Some(1), 0));
}

#[test]
fn a31_a_switch_to_a_standby_that_was_long_silent_waits_for_its_answer() {
    let mut world = World::ready(&[10, 10], 10);
    world.black_hole(2, true, true);
    world.run(30 * S);
    let before = requests(&world);
    send(&mut world, 1, &[switch(2, 9)]);
    world.run(50 * MS);
    assert_eq!((bound(&mut world), requests(&world)), (Some(1), before));
    world.black_hole(2, false, false);
    world.run(200 * MS);
    assert_eq!((bound(&mut world), requests(&world)), (Some(2), before + 1));
}

#[test]
fn a26_a_late_attach_does_not_change_the_index_under_which_its_client_receives() {
    let mut world = World::ready(&[10, 10], 10);
    world.attach(2, 5, crate::messages::AttachKind::Switch);
    world.run(100 * MS);
    assert_eq!(bound(&mut world), Some(2));
    send(&mut world, 2, &[attach(2, AttachKind::Reattach, 4, 1)]);
    let (sent, delivered) = (world.sent[1], world.delivered_to(Side::Client) as u64);
    world.run(S);
    world.flow = [0, 0];
    world.run(S);
    let (sent, delivered) = (world.sent[1] - sent, world.delivered_to(Side::Client) as u64 - delivered);
    assert!(sent > 900 && delivered >= sent, "{delivered} of {sent}");
}

#[test]
fn a18_an_address_that_has_not_answered_gets_three_times_its_bytes_under_full_traffic() {
    let mut world = World::ready(&[10], 10);
    world.inner_len = 1_000;
    let probe = Probe { path: 1, seq: 1 << 20, t_us: 1, tx_packets: 0, tx_bytes: 0, deaf_on: 0, age_ms: 0 };
    let claimed = send_from(&mut world, victim(), &[Frame::Probe(probe)]);
    world.run(S);
    let sent = world.bytes_to.get(&victim()).copied().unwrap_or(0);
    assert!(sent > 0 && sent <= 3 * claimed, "{sent} for {claimed}");
}

/// The tokens with which the gateway challenges the old and the new address of path 1.
fn examined(world: &mut World, address: SocketAddr) -> Option<[[u8; 16]; 2]> {
    let session = world.gateway.sessions.get_mut(&world.gateway_session?)?;
    let rebinding = session.paths[0].new_addresses.at(gateway_route(address))?;
    Some([rebinding.old_token, rebinding.new_token])
}

#[test]
fn a19_the_old_addresses_answer_keeps_the_path_although_a_newer_frame_came_from_elsewhere_before_it() {
    let mut world = quiet(&[10]);
    world.black_hole(1, true, true);
    let probe = |seq| Frame::Probe(Probe { path: 1, seq, t_us: 1, tx_packets: 0, tx_bytes: 0, deaf_on: 0, age_ms: 0 });
    let elsewhere = ([203, 0, 113, 10], 53).into();
    send_from(&mut world, victim(), &[probe(1 << 20)]);
    let [old_token, _] = examined(&mut world, victim()).unwrap_or_default();
    let mut answer = sealed(&mut world, &[response(1, old_token)]);
    send_from(&mut world, elsewhere, &[probe(1 << 21)]);
    let [_, new_token] = examined(&mut world, elsewhere).unwrap_or_default();
    world.receive(Side::Gateway, gateway_route(client_address(1)), &mut answer);
    send_from(&mut world, elsewhere, &[response(1, new_token)]);
    world.run(S);
    assert_eq!(world.count(Side::Gateway, |report| matches!(report, Report::PathRebound { .. })), 0);
    assert_eq!(blamed(&world), Vec::<PeerFault>::new());
}
