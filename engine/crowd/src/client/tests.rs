//! A crowd in virtual time: real clients and a gateway's real packet state, with no network in between. The gateway's
//! core accepts every client, after a configurable delay.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::VecDeque;
use std::net::IpAddr;

use jvpn_proto::blame::DropKind;
use jvpn_proto::messages::{Offer, Peer};

use super::*;
use crate::addresses::owner_of;

const MS: u64 = 1_000;
const CROWD: u32 = 200;

struct World {
    now: u64,
    gateway: Endpoint,
    clients: Vec<Client>,
    troubles: Troubles,
    attached: u32,
    /// Reports that the core has not handled yet, and the delay before it handles one.
    waiting: VecDeque<(u64, Report)>,
    late_us: u64,
    asked: u32,
    /// At the gateway: bytes sent in path MTU probes, and paths whose MTU is found.
    size_bytes: u64,
    sized: u32,
    /// Longer messages of the gateway are lost.
    hole: usize,
}

impl World {
    fn joined(clients: u32) -> Self {
        Self::joined_to(gateway_of(clients, Shard::WHOLE), clients)
    }

    fn joined_to((gateway, key): (Endpoint, String), clients: u32) -> Self {
        let mut world = Self {
            now: 1_000_000,
            gateway,
            clients: Vec::new(),
            troubles: Troubles::default(),
            attached: 0,
            waiting: VecDeque::new(),
            late_us: 0,
            asked: 0,
            size_bytes: 0,
            sized: 0,
            hole: usize::MAX,
        };
        for number in 0..clients {
            // Below both limits above which a cookie is required (20 a second for each address, 1,000 in all), like the
            // crowd.
            world.run(2 * MS);
            let client = Client::dial(world.now, number, key_of(number), address(), &key, [number as u8; 32]);
            world.clients.push(client.unwrap());
        }
        world.run(1_000 * MS);
        world
    }

    fn run(&mut self, span: u64) {
        let until = self.now + span;
        while self.now < until {
            self.now += MS;
            self.gateway.on_deadline(self.now);
            for client in &mut self.clients {
                client.on_deadline(self.now).unwrap();
            }
            while self.exchange() {}
        }
    }

    /// Delivers everything that waits. False if there was nothing.
    fn exchange(&mut self) -> bool {
        let mut moved = false;
        for (number, client) in (0u32..).zip(&mut self.clients) {
            if client.decide(self.now, &mut self.troubles).unwrap() == Some(News::Attached) {
                self.attached += 1;
            }
            while let Some(Transmit { route, mut data, .. }) = client.transmit() {
                let remote = SocketAddr::new(address_of(number, route.socket).into(), 4_000);
                let from = Route { socket: 0, local: Some(address().ip()), remote };
                assert!(!matches!(
                    self.gateway.receive(self.now, from, &mut data),
                    Received::Dropped(DropKind::InitCeiling)
                ));
                moved = true;
            }
        }
        while let Some((_, report)) = self.gateway.report() {
            self.waiting.push_back((self.now + self.late_us, report));
        }
        while self.waiting.front().is_some_and(|(at, _)| *at <= self.now) {
            let Some((_, report)) = self.waiting.pop_front() else { break };
            self.decide(&report);
        }
        while let Some(Transmit { route, mut data, whole }) = self.gateway.transmit() {
            self.size_bytes += whole.map_or(0, |_| data.len() as u64);
            let Some((number, path)) = owner_of(route.remote.ip()).filter(|_| data.len() <= self.hole) else {
                continue;
            };
            self.clients[number as usize].receive(self.now, path, &mut data);
            moved = true;
        }
        moved
    }

    fn decide(&mut self, report: &Report) {
        let command = match *report {
            Report::HandshakeConfirmed { session, .. } => {
                let v4 = Ipv4Addr::from_bits(0x0A40_0000 + session);
                let assignment =
                    Assignment { v4: Some(v4), v4_prefix: 14, v6: None, v6_prefix: 64, dns: vec![], mtu: 1_380 };
                Command::AcceptSession { session, assignment }
            }
            Report::AttachRequested { session, path, bind_seq, .. } => {
                self.asked += 1;
                Command::AnswerAttach { session, path, bind_seq, deny_reason: None, retry_after_ms: 0 }
            }
            Report::PathMtu { .. } => {
                self.sized += 1;
                return;
            }
            _ => return,
        };
        self.gateway.command(self.now, command).unwrap();
    }

    /// Every client sends one inner packet.
    fn talk(&mut self) {
        for (number, client) in (0u32..).zip(&mut self.clients) {
            let mut datagram = [0; 256];
            let len = client.talk(self.now, &mut datagram).unwrap();
            let remote = SocketAddr::new(address_of(number, client.path()).into(), 4_000);
            let from = Route { socket: 0, local: Some(address().ip()), remote };
            assert!(matches!(self.gateway.receive(self.now, from, &mut datagram[..len]), Received::Inner { .. }));
        }
    }

    fn jump(&mut self) {
        self.attached = 0;
        for client in &mut self.clients {
            client.jump(self.now).unwrap();
        }
    }
}

#[test]
fn a_crowd_joins_and_all_of_it_is_attached_again_after_a_jump_from_new_addresses() {
    let mut world = World::joined(CROWD);
    assert_eq!(world.attached, CROWD);
    for jumps in 1..=2 {
        world.jump();
        assert!(world.clients.iter().all(|client| !client.attached()));
        world.run(200 * MS);
        assert_eq!((world.attached, world.asked), (CROWD, jumps * CROWD));
    }
    assert_eq!((world.troubles.unanswered, world.troubles.denied), (0, 0));
}

#[test]
fn a_core_that_is_seconds_late_is_asked_once_for_each_client_however_often_clients_ask() {
    let mut world = World::joined(CROWD);
    world.late_us = 8_000 * MS;
    world.jump();
    world.run(7_900 * MS);
    assert_eq!(world.attached, 0);
    // The gateway confirms receipt, so no client takes its path for dead.
    assert_eq!((world.troubles.unanswered, world.troubles.denied), (0, 0));
    world.run(1_000 * MS);
    assert_eq!((world.attached, world.asked), (CROWD, CROWD));
}

#[test]
fn a_crowd_that_wakes_at_once_searches_for_sizes_within_the_budget_of_a_second_until_all_are_found() {
    /// One of sixteen workers may send 1 MiB of probes a second: the flights of 69 paths.
    const SHARD: Shard = Shard { number: 3, of: 16 };
    const BUDGET: u64 = 1 << 20;
    for hole in [usize::MAX, 1_392] {
        let mut world = World::joined_to(gateway_of(CROWD, SHARD), CROWD);
        world.hole = hole;
        assert_eq!((world.size_bytes, world.sized), (0, 0), "no client has sent anything");
        let mut seconds = 0;
        while world.sized < CROWD {
            seconds += 1;
            assert!(seconds < 20, "{} of {CROWD} found their size", world.sized);
            let before = world.size_bytes;
            for _ in 0..5 {
                world.talk();
                world.run(200 * MS);
            }
            // Searches begun in one second continue in the next, and the budget's second may differ from the test's.
            let most = if hole == usize::MAX { 2 * BUDGET + (64 << 10) } else { 6 * BUDGET };
            assert!(world.size_bytes - before <= most, "{} bytes in second {seconds}", world.size_bytes - before);
        }
        assert!(seconds >= 3, "{CROWD} flights of 15 kB are more than {BUDGET} bytes a second");
    }
}

fn gateway_of(clients: u32, shard: Shard) -> (Endpoint, String) {
    let identity = key_of(u32::MAX);
    let key = identity.public().to_text();
    let limits = Limits::default();
    let config = EndpointConfig {
        role: Role::Gateway,
        identity,
        incarnation: 1,
        mtu: 1_380,
        allow_aes: true,
        allow_redundant: false,
        limits,
        shard,
    };
    let mut gateway = Endpoint::new(config, [9; 32], 0);
    for number in 0..clients {
        let peer = Peer { key: key_of(number).public().to_text(), offer: offer() };
        gateway.command(0, Command::SetPeer { peer }).unwrap();
    }
    (gateway, key)
}

fn key_of(number: u32) -> StaticKey {
    StaticKey::generate(&mut |out| {
        for (place, byte) in out.iter_mut().enumerate() {
            *byte = number.to_le_bytes()[place % 4] ^ place as u8;
        }
    })
}

fn address() -> SocketAddr {
    SocketAddr::new(IpAddr::from([192, 0, 2, 1]), 4_774)
}

fn offer() -> Offer {
    Offer {
        lifetime_s: 43_200,
        transport_lost_ttl_ms: 120_000,
        degraded_max_ms: 600_000,
        keepalive_ms: 25_000,
        liveness_ms: 50,
        switches_per_min: 8,
        cooldown_ms: 1_500,
        recoveries_per_min: 30,
        redundant: false,
        mtu: 1_380,
        policy_version: 1,
        policy_digest: "0123456789abcdef".to_owned(),
    }
}
