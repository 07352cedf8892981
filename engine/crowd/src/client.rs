//! One client: the engine's real packet state, and just enough of a core to join a gateway and jump.

use std::net::{Ipv4Addr, SocketAddr};

use jvpn_proto::{
    endpoint::{Endpoint, EndpointConfig, Limits, Received, Route, Shard, Transmit},
    keyfile::StaticKey,
    messages::{Assignment, AttachKind, Command, PathDescription, PathId, Report, Role, SessionHandle, Transport},
};

use crate::{addresses::address_of, packet};

const DIAL: u32 = 1;
const MTU: u16 = 1_380;
/// Pause in µs before an unanswered activation is repeated, and how often the pause doubles.
const AGAIN_US: u64 = 100_000;
const AGAIN_DOUBLINGS: u32 = 5;

/// A change in a client's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// The gateway acknowledged the pending activation.
    Attached,
    /// The session is gone.
    Ended,
}

/// Counts of attempts that failed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Troubles {
    /// Activations that were repeated because no answer came.
    pub unanswered: u64,
    pub denied: u64,
}

#[derive(Debug)]
pub struct Client {
    endpoint: Endpoint,
    number: u32,
    gateway: SocketAddr,
    gateway_key: String,
    session: Option<SessionHandle>,
    path: PathId,
    bind_seq: u64,
    attached: bool,
    inner: Ipv4Addr,
    /// When a failed activation is repeated.
    again_at: Option<u64>,
    failures: u32,
    /// This client's entry in the heap of deadlines.
    pub armed: Option<u64>,
    /// Datagrams sent since the last dial or jump.
    pub sent: u32,
    /// When the last dial or jump began.
    pub since: u64,
    /// When the unanswered ping was sent.
    pinged_at: Option<u64>,
}

impl Client {
    /// Creates a client and starts its dial.
    pub fn dial(
        now: u64,
        number: u32,
        identity: StaticKey,
        gateway: SocketAddr,
        gateway_key: &str,
        seed: [u8; 32],
    ) -> Result<Self, String> {
        let config = EndpointConfig {
            role: Role::Client,
            identity,
            incarnation: 0,
            mtu: MTU,
            allow_redundant: false,
            allow_aes: true,
            limits: Limits::default(),
            shard: Shard::WHOLE,
        };
        let mut client = Self {
            endpoint: Endpoint::new(config, seed, now),
            number,
            gateway,
            gateway_key: gateway_key.to_owned(),
            session: None,
            path: 1,
            bind_seq: 1,
            attached: false,
            inner: Ipv4Addr::UNSPECIFIED,
            again_at: None,
            failures: 0,
            armed: None,
            sent: 0,
            since: now,
            pinged_at: None,
        };
        client.open(now)?;
        client.begin_dial(now)?;
        Ok(client)
    }

    pub fn attached(&self) -> bool {
        self.attached
    }

    pub fn path(&self) -> PathId {
        self.path
    }

    pub fn gateway(&self) -> SocketAddr {
        self.gateway
    }

    /// Marks the current path as dead and attaches the next one, which the gateway does not know yet.
    pub fn jump(&mut self, now: u64) -> Result<(), String> {
        let Some(session) = self.session else { return Err("it has no session".to_owned()) };
        self.order(now, Command::SetPathDead { session, path: self.path, dead: true })?;
        self.path += 1;
        (self.attached, self.again_at, self.failures) = (false, None, 0);
        (self.sent, self.since) = (0, now);
        self.open(now)?;
        self.attach(now)
    }

    /// Handles a datagram that the gateway sent to one of the client's paths. A datagram on a dead path is dropped.
    /// Returns the round-trip time in µs if it answers a ping.
    pub fn receive(&mut self, now: u64, path: PathId, datagram: &mut [u8]) -> Option<u64> {
        if path != self.path {
            return None;
        }
        let from = Route { socket: path, local: None, remote: self.gateway };
        let received = self.endpoint.receive(now, from, datagram);
        // A client receives no other inner packets.
        let inner = matches!(received, Received::Inner { .. });
        self.pinged_at.take_if(|_| inner).map(|at| now.saturating_sub(at))
    }

    pub fn on_deadline(&mut self, now: u64) -> Result<(), String> {
        self.endpoint.on_deadline(now);
        if self.again_at.is_some_and(|at| at <= now) {
            self.again_at = None;
            self.attach(now)?;
        }
        Ok(())
    }

    pub fn next_deadline(&self) -> Option<u64> {
        [self.endpoint.next_deadline(), self.again_at].into_iter().flatten().min()
    }

    /// Seals an inner packet that gets no answer into `out`. `None` without a usable path.
    pub fn talk(&mut self, now: u64, out: &mut [u8]) -> Option<usize> {
        self.seal(now, out, &packet::unanswered(self.inner))
    }

    /// Like `talk`, with a ping that the host `to` answers.
    pub fn ping(&mut self, now: u64, out: &mut [u8], to: Ipv4Addr) -> Option<usize> {
        self.pinged_at = Some(now);
        self.seal(now, out, &packet::ping(self.inner, to))
    }

    /// A later answer to the pending ping is not counted.
    pub fn forget_ping(&mut self) {
        self.pinged_at = None;
    }

    fn seal(&mut self, now: u64, out: &mut [u8], packet: &[u8]) -> Option<usize> {
        let session = self.session?;
        let sealed = self.endpoint.seal_inner(session, now, out, &[], packet, false).ok()?;
        self.endpoint.sent(session, self.path, now, 1, sealed as u32);
        Some(sealed)
    }

    /// Acts on the endpoint's reports. At most one of them is news.
    pub fn decide(&mut self, now: u64, troubles: &mut Troubles) -> Result<Option<News>, String> {
        let mut news = None;
        while let Some((_, report)) = self.endpoint.report() {
            news = self.hear(now, &report, troubles)?.or(news);
        }
        Ok(news)
    }

    /// The next datagram to send on the current path. Datagrams for a dead path are dropped.
    pub fn transmit(&mut self) -> Option<Transmit> {
        loop {
            let transmit = self.endpoint.transmit()?;
            if transmit.route.socket == self.path {
                self.sent += 1;
                return Some(transmit);
            }
        }
    }

    fn hear(&mut self, now: u64, report: &Report, troubles: &mut Troubles) -> Result<Option<News>, String> {
        match *report {
            Report::HandshakeDone { session, .. } => {
                (self.session, self.bind_seq) = (Some(session), 1);
                self.order(now, Command::ConfirmSession { session })?;
            }
            Report::Assigned { assignment: Assignment { v4: Some(inner), .. }, .. } => self.inner = inner,
            Report::HandshakeUnanswered { .. } => {
                troubles.unanswered += 1;
                self.begin_dial(now)?;
            }
            Report::AttachValidated { path, bind_seq, .. } if (path, bind_seq) == (self.path, self.bind_seq) => {
                self.attached = true;
                (self.again_at, self.failures) = (None, 0);
                if path > 1 {
                    let left = Command::ClosePath { path: path - 1, reason: "link_down".to_owned() };
                    self.order(now, left)?;
                }
                return Ok(Some(News::Attached));
            }
            Report::AttachUnanswered { bind_seq, .. } if bind_seq == self.bind_seq => {
                troubles.unanswered += 1;
                self.give_up(now)?;
            }
            Report::AttachDenied { bind_seq, retry_after_ms, .. } if bind_seq == self.bind_seq => {
                troubles.denied += 1;
                self.again_at = Some(now + u64::from(retry_after_ms.max(1)) * 1_000);
            }
            Report::PeerClosed { .. } => {
                (self.session, self.attached) = (None, false);
                return Ok(Some(News::Ended));
            }
            _ => {}
        }
        Ok(None)
    }

    fn open(&mut self, now: u64) -> Result<(), String> {
        let (path, remote) = (self.path, self.gateway);
        let local = address_of(self.number, path).into();
        let interface = Some("crowd".to_owned());
        let description = PathDescription { transport: Transport::Udp, local, remote, interface };
        self.order(now, Command::OpenPath { path, ifindex: 0, description })?;
        self.endpoint.path_opened(now, path, SocketAddr::new(local, 0), remote);
        Ok(())
    }

    fn begin_dial(&mut self, now: u64) -> Result<(), String> {
        let (gateway_key, paths) = (self.gateway_key.clone(), vec![self.path]);
        self.order(now, Command::Dial { dial: DIAL, gateway_key, paths, about: None })
    }

    fn order(&mut self, now: u64, command: Command) -> Result<(), String> {
        self.endpoint.command(now, command).map_err(|declined| declined.to_string())
    }

    /// Handles an unanswered activation. If it was the first one, there is no session yet, and the client dials again.
    /// A later one is repeated with growing pauses, as a real core does.
    fn give_up(&mut self, now: u64) -> Result<(), String> {
        if let Some(session) = self.session.take_if(|_| self.bind_seq == 1) {
            self.order(now, Command::ForgetSession { session })?;
            return self.begin_dial(now);
        }
        self.again_at = Some(now + (AGAIN_US << self.failures.min(AGAIN_DOUBLINGS)));
        self.failures += 1;
        Ok(())
    }

    fn attach(&mut self, now: u64) -> Result<(), String> {
        let Some(session) = self.session else { return Ok(()) };
        self.bind_seq += 1;
        let (path, bind_seq) = (self.path, self.bind_seq);
        let reason = "transport_dead".to_owned();
        self.order(now, Command::Attach { session, path, bind_seq, kind: AttachKind::Reattach, reason })
    }
}

#[cfg(test)]
mod tests;
