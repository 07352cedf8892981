//! Two endpoints, a client and a gateway, and a network between them; in virtual time and from one seed.
//!
//! ```text
//!   client 10.0.1.2 ──── path 1: delay, loss, black hole per direction ────┐
//!          10.0.2.2 ──── path 2 ───────────────────────────────────────────┤ gateway 192.0.2.1
//!          10.0.n.2 ──── path n ───────────────────────────────────────────┘
//! ```
//!
//! The core is as small as possible: it confirms every handshake, accepts every session and grants every activation.
#![allow(dead_code, reason = "each test file uses its part of the world")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use jvpn_proto::blame::{DropKind, Dropped};
use jvpn_proto::endpoint::{Endpoint, EndpointConfig, Limits, Received, Released, Route, Shard};
use jvpn_proto::keyfile::StaticKey;
use jvpn_proto::messages::{
    Assignment, AttachKind, Command, Offer, PathDescription, PathId, Peer, Report, Role, SessionHandle,
    SilenceEvidence, Transport,
};

pub const MS: u64 = 1_000;
pub const S: u64 = 1_000_000;
const GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub const CLIENT_INNER: Ipv4Addr = Ipv4Addr::new(10, 80, 0, 2);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    Client,
    Gateway,
}

/// One direction of a path.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pipe {
    pub delay: u64,
    /// Random addition to the delay: causes reordering.
    pub jitter: u64,
    /// 0 … 1.
    pub loss: f64,
    pub black: bool,
    pub duplicate: f64,
    /// Packets longer than this, with IPv4 and UDP headers, are lost; 0 = none are.
    pub mtu: usize,
    /// What somebody on the path does without any key, each 0 … 1: holds a datagram back, gives it another source port,
    /// or sends it again. Later means up to `LATER_MAX` later.
    pub held_back: f64,
    pub readdressed: f64,
    pub replayed: f64,
}

/// How late a datagram may be that somebody on the path held back.
pub const LATER_MAX: u64 = 60 * S;
/// Source ports that somebody on the path may use.
const FOREIGN_PORTS: u64 = 16;

#[derive(Debug, Clone, Copy, Default)]
pub struct Link {
    pub up: Pipe,
    pub down: Pipe,
}

impl Link {
    pub fn with_delay(delay: u64) -> Self {
        let pipe = Pipe { delay, ..Pipe::default() };
        Self { up: pipe, down: pipe }
    }
}

/// A datagram on the wire.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flying {
    pub at: u64,
    order: u64,
    pub to: Side,
    pub path: PathId,
    /// The address that the receiver sees.
    from: SocketAddr,
    pub data: Vec<u8>,
}

pub struct World {
    pub now: u64,
    pub client: Endpoint,
    pub gateway: Endpoint,
    pub links: BTreeMap<PathId, Link>,
    flying: BinaryHeap<Reverse<Flying>>,
    order: u64,
    random: u64,
    /// All datagrams that were put on the wire.
    pub capture: Vec<(Side, PathId, Vec<u8>)>,
    pub capturing: bool,
    pub reports: Vec<(u64, Side, Report)>,
    pub session: Option<SessionHandle>,
    pub gateway_session: Option<SessionHandle>,
    pub delivered: BTreeMap<(Side, u64), (u32, u64)>,
    pub sent: [u64; 2],
    /// Inner packets that found no key or no path: those that were not held, and those that were held.
    pub unsent: [u64; 2],
    pub held: [u64; 2],
    /// Inner packets are TCP segments.
    pub tcp: bool,
    /// Length of inner packets, at most the length that is sent whole.
    pub inner_len: usize,
    pub copies: u64,
    /// Interval of inner packets per direction (up, down), µs; 0 = none.
    pub flow: [u64; 2],
    flow_at: [u64; 2],
    /// Each side does not run until its time.
    pub stalled: [u64; 2],
    /// The gateway's core answers activations.
    pub answers: bool,
    /// Bytes that the gateway sent to each address.
    pub bytes_to: BTreeMap<SocketAddr, u64>,
    /// Paths whose client the gateway sees at another address than the first.
    pub moved: BTreeMap<PathId, SocketAddr>,
    /// Addresses that forward to a path what the gateway sends them.
    pub relays: BTreeMap<SocketAddr, PathId>,
    /// An attacker who copies every n-th datagram of a path; the copy arrives first.
    pub thief: Option<(PathId, SocketAddr, u64)>,
    /// Datagrams of this length to this side are lost: a sealed frame can be selected only by its length.
    pub lose: Option<(Side, usize)>,
    /// Datagrams of this length to this side on this path wait in `kept_back` until they are let go.
    pub keep_back: Option<(Side, PathId, usize)>,
    pub kept_back: Vec<Flying>,
    /// A panic is planted in this end. In the other, one that the engine contains must not pass unnoticed.
    pub breaks: Option<Side>,
}

pub fn open_path(path: PathId, local: IpAddr, remote: SocketAddr) -> Command {
    let interface = Some(format!("eth{path}"));
    let description = PathDescription { transport: Transport::Udp, local, remote, interface };
    Command::OpenPath { path, ifindex: path, description }
}

pub fn limits() -> Limits {
    Limits::default()
}

pub fn offer(liveness_ms: u16) -> Offer {
    Offer {
        lifetime_s: 43_200,
        transport_lost_ttl_ms: 120_000,
        degraded_max_ms: 600_000,
        keepalive_ms: 25_000,
        redundant: false,
        liveness_ms,
        switches_per_min: 600,
        cooldown_ms: 0,
        recoveries_per_min: 600,
        mtu: 1420,
        policy_version: 1,
        policy_digest: "0123456789abcdef".to_owned(),
    }
}

pub fn assignment() -> Assignment {
    Assignment { v4: Some(CLIENT_INNER), v4_prefix: 16, v6: None, v6_prefix: 0, dns: Vec::new(), mtu: 1420 }
}

fn key(n: u8) -> StaticKey {
    let mut state = n;
    StaticKey::generate(&mut |out: &mut [u8]| {
        for byte in out {
            state = state.wrapping_mul(73).wrapping_add(41);
            *byte = state;
        }
    })
}

pub fn endpoint(role: Role, identity: StaticKey, limits: Limits, incarnation: u32, seed: u8) -> Endpoint {
    let config = EndpointConfig { incarnation, allow_aes: seed.is_multiple_of(2), limits, ..config(role, identity) };
    Endpoint::new(config, [seed; 32], 0)
}

fn config(role: Role, identity: StaticKey) -> EndpointConfig {
    EndpointConfig {
        role,
        identity,
        incarnation: 0,
        mtu: 1420,
        allow_aes: true,
        allow_redundant: true,
        limits: limits(),
        shard: Shard::WHOLE,
    }
}

impl World {
    /// Paths 1 … n with these one-way delays in ms; not connected yet.
    pub fn new(delays_ms: &[u64], liveness_ms: u16) -> Self {
        Self::with(delays_ms, liveness_ms, limits(), 2)
    }

    pub fn with(delays_ms: &[u64], liveness_ms: u16, limits: Limits, seed: u8) -> Self {
        Self::with_offer(delays_ms, offer(liveness_ms), limits, seed)
    }

    /// The same with this offer of the gateway.
    pub fn with_offer(delays_ms: &[u64], offer: Offer, limits: Limits, seed: u8) -> Self {
        let client = endpoint(Role::Client, key(1), limits, 0, seed);
        Self::offered(delays_ms, client, offer, limits, seed)
    }

    /// In redundant mode, and like `ready`.
    pub fn redundant(delays_ms: &[u64], liveness_ms: u16) -> Self {
        let offer = Offer { redundant: true, ..offer(liveness_ms) };
        Self::with_offer(delays_ms, offer, limits(), 2).under_way()
    }

    /// A gateway that offers redundant mode, and a client that does not support it.
    pub fn redundant_in_vain(delays_ms: &[u64], liveness_ms: u16) -> Self {
        let config = EndpointConfig { allow_redundant: false, ..config(Role::Client, key(1)) };
        let offer = Offer { redundant: true, ..offer(liveness_ms) };
        Self::offered(delays_ms, Endpoint::new(config, [2; 32], 0), offer, limits(), 2).under_way()
    }

    /// With a gateway endpoint that holds a part of the sessions.
    pub fn with_shard(delays_ms: &[u64], shard: Shard) -> Self {
        let client = endpoint(Role::Client, key(1), limits(), 0, 2);
        let config = EndpointConfig { incarnation: 77, shard, ..config(Role::Gateway, key(2)) };
        Self::between(delays_ms, client, Endpoint::new(config, [4; 32], 0), offer(10), 2)
    }

    fn offered(delays_ms: &[u64], client: Endpoint, offer: Offer, limits: Limits, seed: u8) -> Self {
        let gateway = endpoint(Role::Gateway, key(2), limits, 77, seed.wrapping_add(2));
        Self::between(delays_ms, client, gateway, offer, seed)
    }

    fn between(delays_ms: &[u64], client: Endpoint, mut gateway: Endpoint, offer: Offer, seed: u8) -> Self {
        let peer = Peer { key: client.public_key().to_text(), offer };
        gateway.command(0, Command::SetPeer { peer }).unwrap();
        let mut world = Self {
            now: S,
            client,
            gateway,
            links: BTreeMap::new(),
            flying: BinaryHeap::new(),
            order: 0,
            random: u64::from(seed) * 0x9E37_79B9 + 1,
            capture: Vec::new(),
            capturing: false,
            reports: Vec::new(),
            session: None,
            gateway_session: None,
            delivered: BTreeMap::new(),
            sent: [0; 2],
            unsent: [0; 2],
            held: [0; 2],
            tcp: false,
            inner_len: 64,
            copies: 0,
            flow: [0; 2],
            flow_at: [0; 2],
            stalled: [0; 2],
            answers: true,
            bytes_to: BTreeMap::new(),
            moved: BTreeMap::new(),
            relays: BTreeMap::new(),
            thief: None,
            lose: None,
            keep_back: None,
            kept_back: Vec::new(),
            breaks: None,
        };
        for (n, delay) in delays_ms.iter().enumerate() {
            world.open(n as PathId + 1, Link::with_delay(delay * MS));
        }
        world
    }

    /// Connected over path 1; the other paths are validated standbys. Inner traffic of 1 kHz has run in both directions
    /// for half a second.
    pub fn ready(delays_ms: &[u64], liveness_ms: u16) -> Self {
        Self::new(delays_ms, liveness_ms).under_way()
    }

    fn under_way(mut self) -> Self {
        self.connect();
        self.flow = [MS, MS];
        self.run(S / 2);
        self
    }

    pub fn connect(&mut self) {
        self.dial();
        assert!(self.run_until(2 * S, |report| matches!(report, Report::AttachValidated { .. })), "{:?}", self.reports);
        let paths: Vec<PathId> = self.links.keys().copied().skip(1).collect();
        for path in paths {
            let session = self.session.unwrap();
            self.order(Command::AddCandidate { session, path });
        }
        self.run(S);
        assert!(self.active());
    }

    pub fn dial(&mut self) {
        let gateway_key = self.gateway.public_key().to_text();
        let paths = self.links.keys().copied().collect();
        self.order(Command::Dial { dial: 1, gateway_key, paths, about: None });
    }

    pub fn open(&mut self, path: PathId, link: Link) {
        self.links.insert(path, link);
        self.order(open_path(path, client_address(path).ip(), (GATEWAY, 4774).into()));
        self.client.path_opened(self.now, path, client_address(path), (GATEWAY, 4774).into());
    }

    /// True if both ends have confirmed and accepted the session.
    pub fn active(&self) -> bool {
        self.session.is_some() && self.gateway_session.is_some()
    }

    pub fn session(&self) -> SessionHandle {
        self.session.unwrap()
    }

    pub fn attach(&mut self, path: PathId, bind_seq: u64, kind: AttachKind) {
        let session = self.session();
        self.order(Command::Attach { session, path, bind_seq, kind, reason: "test".to_owned() });
    }

    pub fn order(&mut self, command: Command) {
        self.client.command(self.now, command).unwrap();
        self.flush(Side::Client);
    }

    pub fn order_gateway(&mut self, command: Command) {
        self.gateway.command(self.now, command).unwrap();
        self.flush(Side::Gateway);
    }

    /// Runs for `span`.
    pub fn run(&mut self, span: u64) {
        let end = self.now + span;
        while self.step(end) {}
    }

    /// Runs until a new report satisfies the condition; false if none does within `span`.
    pub fn run_until(&mut self, span: u64, mut wanted: impl FnMut(&Report) -> bool) -> bool {
        let end = self.now + span;
        let mut seen = self.reports.len();
        loop {
            while seen < self.reports.len() {
                seen += 1;
                if wanted(&self.reports[seen - 1].2) {
                    return true;
                }
            }
            if !self.step(end) {
                return false;
            }
        }
    }

    fn step(&mut self, end: u64) -> bool {
        let deadline = |endpoint: &Endpoint, stalled: u64| endpoint.next_deadline().map(|at| at.max(stalled));
        let flying = self.flying.peek().map(|Reverse(flying)| flying.at);
        let times = [
            flying,
            deadline(&self.client, self.stalled[0]),
            deadline(&self.gateway, self.stalled[1]),
            self.flow_due(0),
            self.flow_due(1),
        ];
        let Some(next) = times.into_iter().flatten().min().map(|at| at.max(self.now)).filter(|next| *next <= end)
        else {
            self.now = end;
            return false;
        };
        self.now = next;
        while self.flying.peek().is_some_and(|Reverse(flying)| flying.at <= next) {
            let Some(Reverse(flying)) = self.flying.pop() else { break };
            self.arrive(flying);
        }
        for side in [Side::Client, Side::Gateway] {
            self.emit(side);
            if self.stalled[index(side)] <= next {
                let endpoint = self.endpoint(side);
                if endpoint.next_deadline().is_some_and(|at| at <= next) {
                    endpoint.on_deadline(next);
                }
            }
            self.flush(side);
        }
        true
    }

    fn flow_due(&self, at: usize) -> Option<u64> {
        (self.flow[at] > 0).then(|| self.flow_at[at].max(self.now).max(self.stalled[at]))
    }

    fn emit(&mut self, side: Side) {
        let at = index(side);
        if self.flow[at] == 0 || self.flow_at[at].max(self.stalled[at]) > self.now {
            return;
        }
        self.flow_at[at] = self.now + self.flow[at];
        self.send_inner(side);
    }

    /// Sends one inner packet with a new number.
    pub fn send_inner(&mut self, side: Side) {
        let number = self.sent[index(side)] + self.unsent[index(side)] + self.held[index(side)];
        self.send_number(side, number);
    }

    /// Sends one inner packet with this number: with `tcp` a segment of a flow of its own, else a datagram.
    pub fn send_number(&mut self, side: Side, number: u64) {
        let destination = if side == Side::Client { Ipv4Addr::new(10, 80, 0, 1) } else { CLIENT_INNER };
        let mut packet = vec![0_u8; 64];
        packet[0] = 0x45;
        packet[9] = if self.tcp { 6 } else { 17 };
        packet[32] = 0x50;
        packet[16..20].copy_from_slice(&destination.octets());
        packet[20..28].copy_from_slice(&number.to_le_bytes());
        let Some(session) = self.endpoint(side).route_inner(destination.into()) else { return };
        let now = self.now;
        let whole = self.endpoint(side).send_route(session, now).map_or(64, |to| usize::from(to.packet_max));
        packet.resize(self.inner_len.min(whole), 0);
        if self.send_packet(side, session, &packet) {
            self.sent[index(side)] += 1;
        } else if self.endpoint_hold(side, session, &packet) {
            self.held[index(side)] += 1;
        } else {
            self.unsent[index(side)] += 1;
        }
    }

    fn endpoint_hold(&mut self, side: Side, session: SessionHandle, packet: &[u8]) -> bool {
        let now = self.now;
        self.endpoint(side).hold(session, now, &packet[..10], &packet[10..], false)
    }

    fn send_packet(&mut self, side: Side, session: SessionHandle, packet: &[u8]) -> bool {
        let now = self.now;
        let mut out = [0; 2_048];
        let endpoint = self.endpoint(side);
        let sealed = endpoint.seal_inner(session, now, &mut out, &packet[..10], &packet[10..], false);
        let route = endpoint.send_route(session, now);
        let (Ok(len), Some(route)) = (sealed, route) else { return false };
        if route.budget.is_some_and(|budget| budget < len as u64) {
            return false;
        }
        if route.keep {
            endpoint.keep_copy(session, now, &packet[..10], &packet[10..], false);
        }
        endpoint.sent(session, route.path, now, 1, len as u32);
        self.put(side, route.route, &out[..len]);
        for copy in route.copies.into_iter().flatten().filter(|copy| copy.budget >= len as u64) {
            self.endpoint(side).copied(session, &copy, now, len as u32);
            out[4..8].copy_from_slice(&copy.index.to_le_bytes());
            self.copies += 1;
            self.put(side, copy.route, &out[..len]);
        }
        true
    }

    pub fn endpoint(&mut self, side: Side) -> &mut Endpoint {
        match side {
            Side::Client => &mut self.client,
            Side::Gateway => &mut self.gateway,
        }
    }

    fn arrive(&mut self, flying: Flying) {
        let Flying { at, to, path, from, mut data, .. } = flying;
        let route = match to {
            Side::Client => Route { socket: path, local: None, remote: from },
            Side::Gateway => gateway_route(from),
        };
        if self.stalled[index(to)] > at {
            // The kernel holds the datagram; the process reads it when it runs again.
            self.order += 1;
            let at = self.stalled[index(to)];
            self.flying.push(Reverse(Flying { at, order: self.order, to, path, from, data }));
            return;
        }
        self.receive(to, route, &mut data);
    }

    /// Passes a datagram to an endpoint and acts on the result.
    pub fn receive(&mut self, to: Side, from: Route, data: &mut [u8]) -> Received {
        let now = self.now;
        let received = self.endpoint(to).receive(now, from, data);
        if let Received::Inner { range, .. } = &received {
            let inner = &data[range.clone()];
            let number = u64::from_le_bytes(inner[20..28].try_into().unwrap());
            self.delivered.entry((to, number)).or_insert((0, now)).0 += 1;
        }
        self.flush(to);
        received
    }

    /// Drains the datagrams and reports of one side.
    pub fn flush(&mut self, side: Side) {
        if self.stalled[index(side)] > self.now {
            return;
        }
        loop {
            while let Some(transmit) = self.endpoint(side).transmit() {
                self.put(side, transmit.route, &transmit.data);
            }
            if let Some(Released { session, packet, .. }) = self.endpoint(side).next_released() {
                self.send_packet(side, session, &packet);
                continue;
            }
            let Some((at, report)) = self.endpoint(side).report() else { return };
            assert!(self.breaks == Some(side) || !matches!(report, Report::SessionFaulted { .. }), "{report:?}");
            self.decide(side, &report);
            self.reports.push((at, side, report));
        }
    }

    /// The smallest possible core.
    fn decide(&mut self, side: Side, report: &Report) {
        let now = self.now;
        match (side, report) {
            (Side::Client, &Report::HandshakeDone { session, .. }) => {
                self.session = Some(session);
                self.client.command(now, Command::ConfirmSession { session }).unwrap();
            }
            (Side::Gateway, &Report::HandshakeConfirmed { session, .. }) => {
                self.gateway_session = Some(session);
                self.gateway.command(now, Command::AcceptSession { session, assignment: assignment() }).unwrap();
            }
            (Side::Gateway, &Report::AttachRequested { session, path, bind_seq, .. }) if self.answers => {
                let answer = Command::AnswerAttach { session, path, bind_seq, deny_reason: None, retry_after_ms: 0 };
                self.gateway.command(now, answer).unwrap();
            }
            // Like a gateway's core: no active path until the client attaches again.
            (Side::Gateway, &Report::PathSilent { session, path, .. }) => {
                self.gateway.command(now, Command::SetPathDead { session, path, dead: true }).unwrap();
            }
            _ => {}
        }
    }

    /// Puts a datagram on the wire.
    fn put(&mut self, from: Side, route: Route, data: &[u8]) {
        let (to, path) = match from {
            Side::Client => (Side::Gateway, route.socket),
            Side::Gateway => {
                *self.bytes_to.entry(route.remote).or_default() += data.len() as u64;
                let Some(path) = self.path_at(route.remote) else { return };
                (Side::Client, path)
            }
        };
        if self.capturing {
            self.capture.push((to, path, data.to_vec()));
        }
        if self.lose == Some((to, data.len())) {
            return;
        }
        let Some(link) = self.links.get(&path) else { return };
        let pipe = if to == Side::Gateway { link.up } else { link.down };
        let copies = if self.chance(pipe.duplicate) { 2 } else { 1 };
        for _ in 0..copies {
            let too_long = pipe.mtu > 0 && data.len() + 28 > pipe.mtu;
            if pipe.black || too_long || self.chance(pipe.loss) {
                continue;
            }
            let jitter = if pipe.jitter == 0 { 0 } else { self.draw() % pipe.jitter };
            self.order += 1;
            let (from, at, order) = (self.source(to, path), self.now + pipe.delay + jitter, self.order);
            self.fly(pipe, Flying { at, order, to, path, from, data: data.to_vec() });
        }
    }

    /// What somebody on the path makes of a datagram.
    fn fly(&mut self, pipe: Pipe, mut flying: Flying) {
        let Flying { at, order, to, path, from, .. } = flying;
        if self.keep_back == Some((to, path, flying.data.len())) {
            return self.kept_back.push(flying);
        }
        if let Some((_, thief, nth)) = self.thief.filter(|(of, ..)| to == Side::Gateway && *of == path)
            && order.is_multiple_of(nth)
        {
            self.flying.push(Reverse(Flying { at: at - pipe.delay / 2, from: thief, ..flying.clone() }));
        }
        if self.chance(pipe.replayed) {
            let (at, from) = (at + self.draw() % LATER_MAX, self.foreign(to, path, from));
            self.flying.push(Reverse(Flying { at, from, ..flying.clone() }));
        }
        if self.chance(pipe.held_back) {
            flying.at += self.draw() % LATER_MAX;
        }
        if self.chance(pipe.readdressed) {
            flying.from = self.foreign(to, path, from);
        }
        self.flying.push(Reverse(flying));
    }

    /// Another source port, whose owner forwards to the path what comes back.
    fn foreign(&mut self, to: Side, path: PathId, from: SocketAddr) -> SocketAddr {
        let port = 40_000 + self.draw() % FOREIGN_PORTS;
        let foreign = SocketAddr::new(from.ip(), port as u16);
        if to == Side::Gateway {
            self.relays.insert(foreign, path);
        }
        foreign
    }

    /// What was kept back arrives now, from the path's own address.
    pub fn let_go(&mut self) {
        self.keep_back = None;
        for flying in std::mem::take(&mut self.kept_back) {
            let from = self.source(flying.to, flying.path);
            self.flying.push(Reverse(Flying { at: self.now, from, ..flying }));
        }
    }

    fn source(&self, to: Side, path: PathId) -> SocketAddr {
        match to {
            Side::Client => (GATEWAY, 4774).into(),
            Side::Gateway => self.address(path),
        }
    }

    /// The address at which the gateway sees the client of a path.
    pub fn address(&self, path: PathId) -> SocketAddr {
        self.moved.get(&path).copied().unwrap_or_else(|| client_address(path))
    }

    fn path_at(&self, remote: SocketAddr) -> Option<PathId> {
        let path = self.links.keys().copied().find(|path| self.address(*path) == remote);
        path.or_else(|| self.relays.get(&remote).copied())
    }

    fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && ((self.draw() >> 11) as f64) < probability * (1_u64 << 53) as f64
    }

    pub fn draw(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    pub fn black_hole(&mut self, path: PathId, up: bool, down: bool) {
        let link = self.links.get_mut(&path).unwrap();
        link.up.black = up;
        link.down.black = down;
    }

    pub fn count(&self, side: Side, wanted: impl Fn(&Report) -> bool) -> usize {
        self.reports.iter().filter(|(_, of, report)| *of == side && wanted(report)).count()
    }

    pub fn find<T>(&self, side: Side, pick: impl Fn(&Report) -> Option<T>) -> Option<(u64, T)> {
        self.reports
            .iter()
            .filter(|(_, of, _)| *of == side)
            .find_map(|(at, _, report)| pick(report).map(|found| (*at, found)))
    }

    /// When and why a path was declared silent.
    pub fn silent(&self, side: Side, path: PathId) -> Option<(u64, SilenceEvidence)> {
        self.find(side, |report| match report {
            Report::PathSilent { path: silent, evidence, .. } if *silent == path => Some(*evidence),
            _ => None,
        })
    }

    /// Number of drops of a kind on one side so far.
    pub fn drops(&self, side: Side, wanted: DropKind) -> u64 {
        let of_kind = |report: &Report| match report {
            Report::Dropped { kind: Dropped::Drop(kind), count, .. } if *kind == wanted => *count,
            _ => 0,
        };
        self.reports.iter().filter(|(_, of, _)| *of == side).map(|(_, _, report)| of_kind(report)).sum()
    }

    /// Number of inner packets that were delivered to a side more than once.
    pub fn delivered_twice(&self) -> usize {
        self.delivered.values().filter(|(times, _)| *times > 1).count()
    }

    pub fn delivered_to(&self, side: Side) -> usize {
        self.delivered.keys().filter(|(to, _)| *to == side).count()
    }

    /// I19: no nonce seals two plaintexts. Counters start again with each epoch; the epoch's parity is in the clear
    /// header.
    pub fn assert_nonces_unique(&self) {
        let mut seals: BTreeMap<(Side, u8, u64), Vec<&[u8]>> = BTreeMap::new();
        for (to, _, data) in self.capture.iter().filter(|(_, _, data)| data[0] == 0x10) {
            let counter = u64::from_le_bytes(data[8..16].try_into().unwrap());
            let seen = seals.entry((*to, data[1] & 1, counter)).or_default();
            if !seen.contains(&&data[16..]) {
                seen.push(&data[16..]);
            }
        }
        let epochs = 1 + self.count(Side::Client, |report| matches!(report, Report::KeyRotated { .. }));
        let most = seals.values().map(Vec::len).max().unwrap_or(0);
        assert!(most <= epochs.div_ceil(2), "{most} ciphertexts of one counter in {epochs} epochs");
    }

    /// No attributable failure was found, because both ends are honest.
    pub fn assert_honest(&self) {
        let blamed = self.reports.iter().find(|(_, _, report)| matches!(report, Report::ValidationFailed { .. }));
        assert_eq!(blamed, None);
    }
}

pub fn index(side: Side) -> usize {
    usize::from(side == Side::Gateway)
}

pub fn client_address(path: PathId) -> SocketAddr {
    (Ipv4Addr::new(10, 0, path as u8, 2), 5_000).into()
}

/// The route of a datagram from an address, as the gateway sees it.
pub fn gateway_route(remote: SocketAddr) -> Route {
    Route { socket: 0, local: Some(GATEWAY.into()), remote }
}
