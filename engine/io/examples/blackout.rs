//! `blackout <sessions>`: all sessions of a gateway lose their path while segments wait for them, and come back at
//! once. Prints the time for which the gateway's packet thread is busy with the return, without sockets.
#![allow(clippy::unwrap_used, reason = "a bench")]

#[path = "../../proto/tests/world/mod.rs"]
mod world;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Instant;

use jvpn_proto::endpoint::{Endpoint, Limits, Released};
use jvpn_proto::keyfile::StaticKey;
use jvpn_proto::messages::{Assignment, AttachKind, Command, PathId, Peer, Report, Role, SessionHandle};
use world::{MS, S, endpoint, gateway_route, limits, offer, open_path};

const PATH: PathId = 1;
const SEGMENTS: u32 = 4;
/// A millisecond for each handshake: the gateway opens at most 2,000 a second.
const HANDSHAKE_US: u64 = MS;

struct Crowd {
    now: u64,
    gateway: Endpoint,
    clients: Vec<Client>,
}

struct Client {
    endpoint: Endpoint,
    address: SocketAddr,
    session: SessionHandle,
    at_gateway: SessionHandle,
}

fn main() -> ExitCode {
    let Some(sessions) = std::env::args().nth(1).and_then(|word| word.parse().ok()) else {
        eprintln!("usage: blackout <sessions>");
        return ExitCode::from(2);
    };
    let mut crowd = Crowd::new();
    (0..sessions).for_each(|n| crowd.join(n));
    crowd.black_out();
    let returning = crowd.come_back();
    let began = Instant::now();
    let released = crowd.release(returning);
    println!("{{\"sessions\":{sessions},\"released\":{released},\"ms\":{}}}", began.elapsed().as_millis());
    ExitCode::SUCCESS
}

impl Crowd {
    fn new() -> Self {
        let limits = Limits { inits_per_s: u32::MAX, ..limits() };
        Self { now: S, gateway: endpoint(Role::Gateway, identity(u32::MAX), limits, 77, 4), clients: Vec::new() }
    }

    /// One more client dials and is accepted.
    fn join(&mut self, n: u32) {
        self.now += HANDSHAKE_US;
        let [_, high, middle, low] = n.to_be_bytes();
        // Each in a network of its own, as far as the limits of handshakes are concerned.
        let address: SocketAddr = (Ipv4Addr::new(20 + high, low, middle, 2), 5_000).into();
        let mut client = endpoint(Role::Client, identity(n), limits(), 0, 2);
        let peer = Peer { key: client.public_key().to_text(), offer: offer(250) };
        self.gateway.command(self.now, Command::SetPeer { peer }).unwrap();
        client.command(self.now, open_path(PATH, address.ip(), gateway_address())).unwrap();
        client.path_opened(self.now, PATH, address, gateway_address());
        let gateway_key = self.gateway.public_key().to_text();
        client.command(self.now, Command::Dial { dial: 1, gateway_key, paths: vec![PATH], about: None }).unwrap();
        let mut client = Client { endpoint: client, address, session: 0, at_gateway: 0 };
        while self.exchange(&mut client, Ipv4Addr::new(10, 128 + high, middle, low)) {}
        assert!(client.at_gateway != 0, "client {n} was not accepted");
        self.clients.push(client);
    }

    /// Carries all waiting datagrams in both directions; the cores agree to everything. False if none waited.
    fn exchange(&mut self, client: &mut Client, inner: Ipv4Addr) -> bool {
        let mut moved = false;
        while let Some(mut up) = client.endpoint.transmit() {
            moved = true;
            self.gateway.receive(self.now, gateway_route(client.address), &mut up.data);
        }
        while let Some((_, report)) = self.gateway.report() {
            if let Report::HandshakeConfirmed { session, .. } = report {
                client.at_gateway = session;
                let assignment = Assignment { v4: Some(inner), ..world::assignment() };
                self.gateway.command(self.now, Command::AcceptSession { session, assignment }).unwrap();
            }
        }
        while let Some(mut down) = self.gateway.transmit() {
            moved = true;
            let from = jvpn_proto::endpoint::Route { socket: PATH, local: None, remote: gateway_address() };
            client.endpoint.receive(self.now, from, &mut down.data);
        }
        while let Some((_, report)) = client.endpoint.report() {
            if let Report::HandshakeDone { session, .. } = report {
                client.session = session;
                client.endpoint.command(self.now, Command::ConfirmSession { session }).unwrap();
            }
        }
        moved
    }

    /// No client is heard any more; segments for all of them arrive from inside.
    fn black_out(&mut self) {
        for client in &self.clients {
            let session = client.at_gateway;
            self.gateway.command(self.now, Command::SetPathDead { session, path: PATH, dead: true }).unwrap();
            for n in 0..SEGMENTS {
                assert!(self.gateway.hold(session, self.now, &segment(n), &[], false));
            }
        }
    }

    /// The activations of all clients, which arrive together.
    fn come_back(&mut self) -> Vec<(SocketAddr, Vec<u8>)> {
        self.now += S;
        let mut returning = Vec::new();
        for client in &mut self.clients {
            let (session, kind, reason) = (client.session, AttachKind::Reattach, "bench".to_owned());
            let attach = Command::Attach { session, path: PATH, bind_seq: 2, kind, reason };
            client.endpoint.command(self.now, attach).unwrap();
            let address = client.address;
            returning.extend(std::iter::from_fn(|| client.endpoint.transmit()).map(|up| (address, up.data)));
        }
        returning
    }

    /// What the packet thread does with them. Returns how many held packets left.
    fn release(&mut self, returning: Vec<(SocketAddr, Vec<u8>)>) -> usize {
        let now = self.now;
        let mut released = 0;
        for (address, mut data) in returning {
            self.gateway.receive(now, gateway_route(address), &mut data);
            while let Some((_, report)) = self.gateway.report() {
                if let Report::AttachRequested { session, path, bind_seq, .. } = report {
                    let answer =
                        Command::AnswerAttach { session, path, bind_seq, deny_reason: None, retry_after_ms: 0 };
                    self.gateway.command(now, answer).unwrap();
                }
            }
            while self.gateway.transmit().is_some() {}
            while let Some(Released { session, packet, .. }) = self.gateway.next_released() {
                let mut out = [0; 2_048];
                self.gateway.seal_inner(session, now, &mut out, &packet, &[], false).unwrap();
                released += 1;
            }
        }
        released
    }
}

fn gateway_address() -> SocketAddr {
    ([192, 0, 2, 1], 4_774).into()
}

fn identity(n: u32) -> StaticKey {
    let mut state = u64::from(n) + 1;
    StaticKey::generate(&mut |out: &mut [u8]| {
        for byte in out {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (state >> 56) as u8;
        }
    })
}

/// One TCP segment of a flow.
fn segment(n: u32) -> Vec<u8> {
    let mut packet = vec![0; 240];
    (packet[0], packet[9], packet[32]) = (0x45, 6, 0x50);
    packet[2..4].copy_from_slice(&240_u16.to_be_bytes());
    packet[24..28].copy_from_slice(&(n * 200).to_be_bytes());
    packet
}
