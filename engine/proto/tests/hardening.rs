//! What an unknown sender or a malicious client can cost the others. Ids as in the attack list.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;
mod world;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use jvpn_proto::blame::{DropKind, Dropped};
use jvpn_proto::endpoint::{Endpoint, Limits, Received, Route};
use jvpn_proto::handshake::CookieJar;
use jvpn_proto::keyfile::StaticKey;
use jvpn_proto::messages::{Command, Report, Role, Sender};
use jvpn_proto::wire::INIT_LEN;
use world::{MS, S, Side, World, gateway_route, limits};

fn attacker() -> Route {
    gateway_route(([203, 0, 113, 9], 666).into())
}

/// INITs of the test world's client that the gateway has not seen.
fn captured_inits(world: &mut World, count: u32) -> Vec<Vec<u8>> {
    world.black_hole(1, true, false);
    world.capturing = true;
    let gateway_key = world.gateway.public_key().to_text();
    for dial in 100..100 + count {
        world.order(Command::Dial { dial, gateway_key: gateway_key.clone(), paths: vec![1], about: None });
        world.run(MS);
        world.order(Command::AbortDial { dial });
    }
    world.black_hole(1, false, false);
    world.capturing = false;
    world.capture.drain(..).filter(|(_, _, data)| data[0] == 1).map(|(_, _, data)| data).collect()
}

/// Dials under a key that the gateway does not know, and answers every cookie.
struct Flooder {
    endpoint: Endpoint,
    gateway_key: String,
    remote: SocketAddr,
    dials: u32,
}

impl Flooder {
    fn new(world: &World) -> Self {
        let stranger = StaticKey::generate(&mut |out: &mut [u8]| out.fill(99));
        let mut endpoint = world::endpoint(Role::Client, stranger, limits(), 0, 9);
        let (local, remote) = (([203, 0, 113, 9], 666).into(), ([192, 0, 2, 1], 4774).into());
        endpoint.command(0, world::open_path(1, [203, 0, 113, 9].into(), remote)).unwrap();
        endpoint.path_opened(0, 1, local, remote);
        Self { endpoint, gateway_key: world.gateway.public_key().to_text(), remote, dials: 0 }
    }

    /// One new INIT from this address, again with mac2 if a cookie is asked for. Returns whether it was, and what the
    /// gateway made of the last INIT.
    fn tries(&mut self, world: &mut World, from: Route) -> (bool, Received) {
        self.dials += 1;
        let (dial, gateway_key) = (self.dials, self.gateway_key.clone());
        self.endpoint.command(world.now, Command::Dial { dial, gateway_key, paths: vec![1], about: None }).unwrap();
        let mut received = world.gateway.receive(world.now, from, &mut self.endpoint.transmit().unwrap().data);
        let cookie = received == Received::Dropped(DropKind::CookieRequired);
        if cookie {
            let mut reply = world.gateway.transmit().unwrap().data;
            self.endpoint.receive(world.now, Route { socket: 1, local: None, remote: self.remote }, &mut reply);
            received = world.gateway.receive(world.now, from, &mut self.endpoint.transmit().unwrap().data);
        }
        self.endpoint.command(world.now, Command::AbortDial { dial }).unwrap();
        while self.endpoint.transmit().is_some() {}
        (cookie, received)
    }
}

#[test]
fn a01_captured_inits_replayed_without_end_keep_their_client_out_of_nothing() {
    for count in [8, 40] {
        let mut world = World::new(&[10], 10);
        let inits = captured_inits(&mut world, count);
        assert_eq!(inits.len(), count as usize);
        let replay = |world: &mut World| {
            for init in &inits {
                world.receive(Side::Gateway, attacker(), &mut init.clone());
            }
        };
        replay(&mut world);
        world.dial();
        for _ in 0..60 {
            replay(&mut world);
            world.run(50 * MS);
        }
        let confirmed = world.count(Side::Gateway, |report| matches!(report, Report::HandshakeConfirmed { .. }));
        assert_eq!((confirmed, world.active()), (1, true), "{count} captured");
    }
}

#[test]
fn a01_old_inits_from_forged_addresses_keep_their_client_out_of_nothing() {
    for (delay_ms, per_s) in [(20, 50), (20, 100), (20, 1_000), (50, 50), (50, 100), (50, 1_000)] {
        let mut world = World::new(&[delay_ms], 10);
        let inits = captured_inits(&mut world, 41);
        let mut forged = 0_u32;
        let mut replay = |world: &mut World, span: u64| {
            for _ in 0..span * per_s / S {
                forged += 1;
                let from = gateway_route((Ipv4Addr::from_bits(0x0B00_0000 + 257 * forged), 4_000).into());
                let mut init = inits[forged as usize % inits.len()].clone();
                world.receive(Side::Gateway, from, &mut init);
                world.run(S / per_s);
            }
        };
        replay(&mut world, 2 * S);
        world.dial();
        let began = world.now;
        replay(&mut world, 3 * S);
        assert!(world.active(), "{per_s} a second at {delay_ms} ms");
        let confirmed = |report: &Report| matches!(report, Report::AttachValidated { .. }).then_some(());
        let (at, ()) = world.find(Side::Client, confirmed).unwrap();
        assert!(at - began <= 2 * S, "{} ms", (at - began) / MS);
    }
}

#[test]
fn a01_a_repeated_init_is_answered_within_the_rate_of_its_sender_and_64_times_in_all() {
    let mut world = World::new(&[10], 10);
    let init = captured_inits(&mut world, 1).remove(0);
    world.capture.clear();
    let mut answers = 0;
    for n in 0..2_000_u32 {
        let from = gateway_route((Ipv4Addr::from_bits(0x0B00_0000 + 257 * (n / 10)), 4_000).into());
        let received = world.gateway.receive(world.now, from, &mut init.clone());
        answers += u32::from(received == Received::Consumed);
        while world.gateway.transmit().is_some() {}
    }
    assert_eq!(answers, 65, "one answer, repeated");
}

#[test]
fn a02_without_cookies_a_site_has_its_share_and_one_host_does_not_use_it_up() {
    let mut world = World::with(&[10], 10, Limits { inits_per_s: u32::MAX, ..limits() }, 1);
    let key = world.gateway.public_key();
    let init = captured_inits(&mut world, 1).remove(0);
    let mut number = 0_u32;
    let mut opened = |from: Ipv4Addr| {
        let mut other = init.clone();
        number += 1;
        other[8..12].copy_from_slice(&number.to_le_bytes());
        support::forge::mac1(&mut other, &key);
        let received = world.gateway.receive(10 * S, gateway_route((from, 666).into()), &mut other);
        while world.gateway.transmit().is_some() {}
        received == Received::Dropped(DropKind::HandshakeForged)
    };
    assert_eq!((0..250).filter(|_| opened(Ipv4Addr::new(10, 0, 0, 1))).count(), 5, "one host");
    let neighbours = (2..=251).filter(|host| opened(Ipv4Addr::new(10, 0, 0, *host))).count();
    assert_eq!(neighbours, 95, "the rest of its site's share");
    assert!(opened(Ipv4Addr::new(10, 0, 1, 1)), "another site");
}

#[test]
fn a02_with_cookies_a_site_leaves_half_of_the_ceiling_to_others() {
    let mut world = World::with(&[10], 10, Limits { inits_per_s: 0, ..limits() }, 1);
    let mut flooder = Flooder::new(&world);
    let mut opened = |number: u32, first_host: u32| {
        let from = gateway_route((Ipv4Addr::from_bits(first_host + number % 250), 666).into());
        match flooder.tries(&mut world, from) {
            (true, Received::Dropped(DropKind::UnknownPeer)) => true,
            (true, Received::Dropped(DropKind::InitCeiling)) => false,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((0..1_200).filter(|number| opened(*number, 0x0A00_0001)).count(), 1_000, "one site");
    assert_eq!((0..120).filter(|number| opened(*number, 0x0A00_0101)).count(), 100, "another one has its share");
}

#[test]
fn a02_all_addresses_together_cost_two_thousand_diffie_hellmans_a_second() {
    let mut world = World::with(&[10], 10, Limits { inits_per_s: u32::MAX, ..limits() }, 1);
    let key = world.gateway.public_key();
    let init = captured_inits(&mut world, 1).remove(0);
    let mut opened = |number: u32, now: u64| {
        let mut other = init.clone();
        other[8..12].copy_from_slice(&number.to_le_bytes());
        support::forge::mac1(&mut other, &key);
        let from = gateway_route((Ipv4Addr::from_bits(0x0A00_0000 + 256 * number), 666).into());
        match world.gateway.receive(now, from, &mut other) {
            Received::Dropped(DropKind::InitCeiling) => 0,
            Received::Dropped(DropKind::HandshakeForged) => 1,
            other => panic!("{other:?}"),
        }
    };
    let in_one_second: u32 = (0..2_500).map(|number| opened(number, 10 * S + u64::from(number) * 100)).sum();
    assert_eq!(in_one_second, 2_000);
    assert_eq!(opened(2_500, 11 * S), 1, "a second later");
}

#[test]
fn a02_one_address_costs_few_diffie_hellmans_also_with_a_cookie() {
    let mut world = World::new(&[10], 10);
    let mut flooder = Flooder::new(&world);
    let (mut opened, mut cookies) = (0, 0);
    for _ in 0..2_000 {
        world.now += MS;
        let (cookie, received) = flooder.tries(&mut world, attacker());
        cookies += u32::from(cookie);
        opened += u32::from(received == Received::Dropped(DropKind::UnknownPeer));
    }
    assert!(opened <= 2 * (5 + 2 * 20), "{opened} opened in two seconds");
    assert!(cookies > 1_000);
    world.connect();
    assert!(world.drops(Side::Gateway, DropKind::InitRate) > 0);
}

#[test]
fn who_is_refused_is_named_by_address_and_by_key_if_the_handshake_revealed_it() {
    let mut world = World::new(&[10], 10);
    let mut flooder = Flooder::new(&world);
    let key = flooder.endpoint.public_key().to_text();
    assert_eq!(flooder.tries(&mut world, attacker()).1, Received::Dropped(DropKind::UnknownPeer));
    let stranger = gateway_route(([198, 51, 100, 7], 7).into());
    let mut wrong = [0; INIT_LEN];
    (wrong[0], wrong[1]) = (1, 1);
    world.gateway.receive(world.now, stranger, &mut wrong);
    world.gateway.on_deadline(world.now);
    let senders: Vec<_> = std::iter::from_fn(|| world.gateway.report())
        .filter_map(|(_, report)| match report {
            Report::Dropped { kind: Dropped::Drop(kind), sender: Some(sender), .. } => Some((kind, sender)),
            _ => None,
        })
        .collect();
    let of = |wanted| senders.iter().find(|(kind, _)| *kind == wanted).map(|(_, sender)| sender.clone());
    let unknown = Sender { remote: attacker().remote, key: Some(key) };
    assert_eq!(of(DropKind::UnknownPeer), Some(unknown));
    assert_eq!(of(DropKind::InitMac1), Some(Sender { remote: stranger.remote, key: None }));
}

#[test]
fn a05_forged_cookies_delay_a_dial_and_do_not_end_it() {
    // Always under load: no INIT is opened without a cookie.
    let mut world = World::with(&[10], 10, Limits { inits_per_s: 0, ..limits() }, 2);
    let gateway_key = world.gateway.public_key();
    world.capturing = true;
    world.dial();
    let mut init = [0; INIT_LEN];
    init.copy_from_slice(&world.capture[0].2);
    let from_gateway = Route { socket: 1, local: None, remote: ([192, 0, 2, 1], 4774).into() };
    for n in 0..10 {
        let observer = CookieJar::new(&mut |out: &mut [u8]| out.fill(n));
        let mut forged =
            observer.reply(world.now, ([10, 0, 1, 2], 5_000).into(), &gateway_key, &init, &mut |out| out.fill(n));
        world.receive(Side::Client, from_gateway, &mut forged);
    }
    assert_eq!(world.drops(Side::Client, DropKind::CookieNotOurs), 0, "reported later");
    world.run(30 * S);
    assert!(world.drops(Side::Client, DropKind::CookieNotOurs) >= 7);
    assert!(world.active());
}

#[test]
fn a06_a_flood_that_rotates_through_one_64_has_the_share_of_one_host() {
    let mut world = World::new(&[10], 10);
    let mut flooder = Flooder::new(&world);
    let mut asked_for_a_cookie = |site: u16, host: u16| {
        let from = Ipv6Addr::new(0x2001, 0xdb8, 0, site, host, 1, host, host);
        flooder.tries(&mut world, gateway_route((from, 666).into())).0
    };
    let free: Vec<u16> = (0..100).filter(|host| !asked_for_a_cookie(1, *host)).collect();
    assert_eq!(free, [0, 1, 2, 3, 4], "the burst of one host");
    assert!(!asked_for_a_cookie(2, 0), "its neighbour has its own share");
}
