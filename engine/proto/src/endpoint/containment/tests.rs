//! A panic is planted in one of two sessions of a gateway: wherever it strikes, the other lives on.

use crate::crypto::keyfile::StaticKey;
use crate::endpoint::{CopyPurpose, DuplicateRoute, Received, SizedFor};
use crate::handshake::Initiator;
use crate::messages::{Command, Report, SessionHandle};
use crate::vocabulary::SealError;
use crate::vocabulary::blame::DropKind;
use crate::vocabulary::planted::TRIGGER;
use crate::wire::{INIT_LEN, InitPayload, PQ_OFF, Suite, VERSION};
use crate::world::{CLIENT_INNER, MS, S, Side, World, client_address, gateway_route};

/// The first session of the world is superseded by a second one, and both live. The first is the one that breaks.
fn two_sessions() -> (World, SessionHandle) {
    let mut world = World::ready(&[10, 10], 10);
    let first = world.gateway_session.unwrap_or_default();
    world.dial();
    world.run(2 * S);
    assert_ne!(world.gateway_session, Some(first));
    assert_eq!(world.gateway.sessions.len(), 2);
    world.breaks = Some(Side::Gateway);
    (world, first)
}

fn plant(world: &mut World, session: SessionHandle) {
    if let Some(session) = world.gateway.sessions.get_mut(&session) {
        session.plant();
    }
}

fn faults(world: &World) -> Vec<(SessionHandle, String)> {
    let fault = |report: &Report| match report {
        Report::SessionFaulted { session, why } => Some((*session, why.clone())),
        _ => None,
    };
    world.reports.iter().filter_map(|(_, side, report)| fault(report).filter(|_| *side == Side::Gateway)).collect()
}

/// The broken session is gone without a trace, and the other carries packets; a new one can begin.
fn assert_contained(world: &mut World, broken: SessionHandle, indices: &[u32]) {
    world.flush(Side::Gateway);
    assert_eq!(faults(world), [(broken, "internal error in the engine: a planted panic".to_owned())]);
    assert!(!world.gateway.sessions.contains_key(&broken));
    assert!(indices.iter().all(|index| world.gateway.cx.indices.find(*index).is_none()));
    assert!(!world.gateway.cx.hold.holds(broken));
    let before = [Side::Client, Side::Gateway].map(|side| world.delivered_to(side));
    world.run(S);
    let after = [Side::Client, Side::Gateway].map(|side| world.delivered_to(side));
    assert!(after[0] >= before[0] + 900 && after[1] >= before[1] + 900, "{before:?} {after:?}");
    world.dial();
    world.run(2 * S);
    assert_eq!(world.gateway.sessions.len(), 2);
    world.assert_honest();
}

fn indices(world: &World, session: SessionHandle) -> Vec<u32> {
    world.gateway.sessions.get(&session).map(|session| session.indices().collect()).unwrap_or_default()
}

type Entry = fn(&mut World, SessionHandle);

/// Every way into a session of a gateway, apart from a received datagram.
const ENTRIES: &[Entry] = &[
    // command
    (|world, session| {
        let declined = world.gateway.command(world.now, Command::SetProbing { session, interval_ms: 50 });
        assert!(declined.is_err());
    }),
    // timer
    (|world, session| {
        // Its next keepalive.
        world.run(30 * S);
        assert!(!world.gateway.sessions.contains_key(&session));
    }),
    // send_route
    (|world, session| assert_eq!(world.gateway.send_route(session, world.now), None)),
    // seal_inner
    (|world, session| {
        let sealed = world.gateway.seal_inner(session, world.now, &mut [0; 200], &[0x45; 20], &[0; 20], false);
        assert_eq!(sealed, Err(SealError::UnknownSession));
    }),
    // sent
    (|world, session| world.gateway.sent(session, 1, world.now, 1, 100)),
    // copied
    (|world, session| {
        let (route, purpose) = (gateway_route(client_address(1)), CopyPurpose::Suspicion);
        world.gateway.copied(session, &DuplicateRoute { route, path: 1, index: 1, budget: 1, purpose }, world.now, 1);
    }),
    // too_big
    (|world, session| world.gateway.too_big(world.now, SizedFor { session, path: 1 }, 1_500)),
    // farewell
    (|world, session| {
        let (now, reason) = (world.now, "test".to_owned());
        let _done = world.gateway.command(now, Command::CloseSession { session, reason });
    }),
];

#[test]
fn a55_a_panic_in_a_session_ends_that_session_alone_wherever_it_is_entered() {
    for entry in ENTRIES {
        let (mut world, broken) = two_sessions();
        let indices = indices(&world, broken);
        assert!(indices.len() >= 2);
        world.gateway.hold(broken, world.now, &[0x45; 40], &[], false);
        plant(&mut world, broken);
        entry(&mut world, broken);
        assert_contained(&mut world, broken, &indices);
    }
}

#[test]
fn a55_a_packet_that_makes_its_session_panic_ends_that_session_alone() {
    let (mut world, first) = two_sessions();
    let broken = world.gateway_session.unwrap_or_default();
    let indices = indices(&world, broken);
    let mut packet = [0; 64];
    (packet[0], packet[9]) = (0x45, 17);
    packet[48..].copy_from_slice(TRIGGER);
    let (session, now) = (world.session(), world.now);
    let mut out = [0; 200];
    let sealed = world.client.seal_inner(session, now, &mut out, &packet, &[], false).unwrap_or_default();
    world.receive(Side::Gateway, gateway_route(client_address(1)), &mut out[..sealed]);
    assert_eq!(faults(&world).len(), 1);
    assert!(!world.gateway.sessions.contains_key(&broken));
    assert!(world.gateway.sessions.contains_key(&first));
    assert_eq!(world.gateway.route_inner(CLIENT_INNER.into()), None, "its address is free");
    assert!(indices.iter().all(|index| world.gateway.cx.indices.find(*index).is_none()));
    world.run(100 * MS);
    world.dial();
    world.run(2 * S);
    let before = world.delivered_to(Side::Gateway);
    world.run(S);
    assert!(world.delivered_to(Side::Gateway) >= before + 900);
}

#[test]
fn a55_an_init_over_which_the_engine_panics_is_dropped() {
    let mut world = World::ready(&[10], 10);
    let identity = StaticKey::generate(&mut |out: &mut [u8]| out.fill(7));
    let offered = InitPayload {
        proto_min: VERSION,
        proto_max: VERSION,
        suites: Suite::ChaCha20Poly1305.bit(),
        pq_modes: PQ_OFF,
        max_paths: 1,
        policy_digest: *TRIGGER,
        capabilities: 0,
        about: [0; 16],
    };
    let gateway = world.gateway.public_key();
    let made = Initiator::new(&identity, &gateway, 1, &offered, &mut |out| out.fill(9));
    let mut init = made.map_or([0; INIT_LEN], |(_, init)| init);
    let received = world.receive(Side::Gateway, gateway_route(client_address(1)), &mut init);
    assert_eq!(received, Received::Dropped(DropKind::HandshakeFaulted));
    let before = world.delivered_to(Side::Gateway);
    world.run(S);
    assert!(world.delivered_to(Side::Gateway) >= before + 900);
    world.dial();
    world.run(S);
    assert_eq!(world.gateway.sessions.len(), 2);
}
