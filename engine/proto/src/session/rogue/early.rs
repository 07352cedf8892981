//! A client with the keys of a session that it has not confirmed: until then it can attach, prove its address and
//! close.

use super::{attach, blamed, requests, send_from, switch};
use crate::endpoint::Received;
use crate::frames::{AttachKind, Frame, PathToken, Rekey};
use crate::messages::Report;
use crate::vocabulary::blame::{DropKind, PeerFault};
use crate::world::{S, Side, World, client_address, gateway_route};

/// The client has its keys; its confirming ATTACH is still on its way to the gateway.
fn pending() -> World {
    let mut world = World::new(&[10], 10);
    world.dial();
    assert!(world.run_until(2 * S, |report| matches!(report, Report::HandshakeDone { .. })));
    assert_eq!(world.gateway_session, None);
    world.bytes_to.clear();
    world
}

/// The honest handshake goes on as if nothing had been.
fn assert_confirmed(world: &mut World) {
    world.run(S);
    assert!(world.active());
    assert_eq!(blamed(world), Vec::<PeerFault>::new());
}

#[test]
fn frames_of_a_confirmed_session_have_no_effect_before_the_confirmation() {
    let mut world = pending();
    let frames = [
        Frame::RekeyInit(Rekey { epoch: 1, e: [5; 32] }),
        Frame::PathChallenge(PathToken { path: 1, token: [7; 16] }),
        switch(1, 9),
        Frame::AssignAck { id: 1 },
    ];
    for frame in &frames {
        send_from(&mut world, client_address(1), std::slice::from_ref(frame));
    }
    assert_eq!((world.bytes_to.len(), requests(&world)), (0, 0), "nothing is answered");
    assert_confirmed(&mut world);
    assert_eq!(world.drops(Side::Gateway, DropKind::SessionNotConfirmed), frames.len() as u64);
}

#[test]
fn a_standby_is_neither_added_nor_challenged_before_the_confirmation() {
    let mut world = pending();
    send_from(&mut world, client_address(2), &[attach(2, AttachKind::Candidate, 0, 1)]);
    assert_eq!(world.bytes_to.len(), 0);
    assert_confirmed(&mut world);
    assert_eq!(world.drops(Side::Gateway, DropKind::SessionNotConfirmed), 1);
}

#[test]
fn an_inner_packet_does_not_pass_before_the_core_has_accepted_the_session() {
    let mut world = pending();
    let handle = world.session();
    let session = world.client.sessions.get_mut(&handle);
    let packet = [0x45; 64];
    let sealed = session.and_then(|session| session.epochs.seal_frames(&packet, session.tx_index));
    let received = world.receive(Side::Gateway, gateway_route(client_address(1)), &mut sealed.unwrap_or_default());
    assert_eq!(received, Received::Dropped(DropKind::SessionNotReady));
    assert_confirmed(&mut world);
}
