//! An engine with a minimal core, which accepts everything.

use std::{
    fs,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    time::{Duration, Instant},
};

use jvpn_io::{Engine, StartError, identity};
use jvpn_proto::messages::{
    Assignment, Command, EngineConfig, Link, Offer, PathDescription, PathId, Peer, Report, Role, SessionHandle,
    Transport,
};

use crate::netns::{Topology, ip, within, without_programs};

/// Maximum wait for an expected event.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// A folder with a key file for each device, made by another process.
pub const KEYS: &str = "JVPN_TEST_KEYS";
const PORT: u16 = 4774;
const MTU: u16 = 1420;

/// A gateway and a client with one session between them.
pub struct World {
    pub gateway: Node,
    pub client: Node,
    wakes: Receiver<()>,
}

pub struct Node {
    /// `None` after a stop.
    engine: Option<Engine>,
    public_key: String,
    namespace: String,
    tun: &'static str,
    links: Vec<Link>,
    /// Client: the gateway to dial as soon as a path is open.
    gateway_key: Option<String>,
    /// The session that was accepted or confirmed last.
    pub session: Option<SessionHandle>,
    /// All sessions that were accepted or confirmed.
    pub sessions: Vec<SessionHandle>,
    /// Reports that the core did not handle itself, in order.
    seen: Vec<Report>,
}

impl World {
    /// A world whose session uses path 1, on link wan0, to `remote`.
    pub fn connect(topology: &Topology, remote: &str, disable: &[&str]) -> Self {
        Self::connect_to(1, topology, remote, disable)
    }

    /// The same with this number of workers on the gateway.
    pub fn connect_to(workers: u8, topology: &Topology, remote: &str, disable: &[&str]) -> Self {
        let (wake, wakes) = sync_channel(1);
        let start = |role, namespace, tun, workers| {
            Node::start(role, namespace, tun, disable, workers, wake.clone()).expect("the engine starts")
        };
        let gateway = start(Role::Gateway, &topology.gateway, "tun-g", workers);
        let client = start(Role::Client, &topology.client, "tun-c", 1);
        let mut world = Self { gateway, client, wakes };
        let peer = Peer { key: world.client.public_key.clone(), offer: offer() };
        world.gateway.apply(vec![Command::SetPeer { peer }]);
        world.client.gateway_key = Some(world.gateway.public_key.clone());
        world.open_path(1, "wan0", remote);
        world.until_joined();
        world
    }

    /// Starts another session on path 1, which takes over the addresses of the previous one.
    pub fn dial_again(&mut self, dial: u32) {
        let gateway_key = self.gateway.public_key.clone();
        (self.gateway.session, self.client.session) = (None, None);
        self.client.apply(vec![Command::Dial { dial, gateway_key, paths: vec![1], about: None }]);
        self.until_joined();
    }

    fn until_joined(&mut self) {
        let of = |world: &Self, report: &Report| match report {
            Report::Assigned { session, .. } | Report::AttachValidated { session, .. } => {
                world.client.session == Some(*session)
            }
            _ => false,
        };
        self.until("session at the gateway", |world| world.gateway.session.is_some());
        self.until("assignment and attach", |world| {
            world.client.seen.iter().filter(|seen| of(world, seen)).count() == 2
        });
    }

    pub fn open_path(&mut self, path: PathId, ifname: &str, remote: &str) {
        let remote: IpAddr = remote.parse().expect("an address");
        let source =
            |node: &Node| node.link(ifname)?.addresses.iter().copied().find(|own| own.is_ipv4() == remote.is_ipv4());
        self.until("link with an address", |world| source(&world.client).is_some());
        let local = source(&self.client).expect("just seen");
        let ifindex = self.client.link(ifname).expect("just seen").index;
        let remote = SocketAddr::new(remote, PORT);
        let interface = Some(ifname.to_owned());
        let description = PathDescription { transport: Transport::Udp, local, remote, interface };
        self.client.apply(vec![Command::OpenPath { path, ifindex, description }]);
        self.until("open path", |world| {
            world.client.saw(|report| matches!(report, Report::PathOpened { path: opened, .. } if *opened == path))
        });
    }

    pub fn session(&self) -> SessionHandle {
        self.client.session.expect("connected")
    }

    /// Handles reports of both nodes until `found` returns true. Panics, and prints the reports, if that takes too
    /// long.
    pub fn until(&mut self, what: &str, found: impl Fn(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        loop {
            self.gateway.handle_reports();
            self.client.handle_reports();
            if found(self) {
                return;
            }
            let left = end.saturating_duration_since(Instant::now());
            let woken = self.wakes.recv_timeout(left).is_ok();
            assert!(woken, "no {what}; gateway: {:#?}, client: {:#?}", self.gateway.seen, self.client.seen);
        }
    }
}

impl Node {
    /// Starts an engine with a new key.
    pub fn start(
        role: Role,
        namespace: &str,
        tun: &'static str,
        disable: &[&str],
        workers: u8,
        wake: SyncSender<()>,
    ) -> Result<Self, StartError> {
        let given = std::env::var_os(KEYS).map(|folder| KeyFile { path: Path::new(&folder).join(tun), keep: true });
        let key = given.unwrap_or_else(|| KeyFile::new(&format!("{namespace}-{tun}")));
        let disable = disable.iter().map(|&name| name.to_owned()).collect();
        let config = EngineConfig { disable, ..config(role, &key, tun, workers) };
        let public_key = identity::public_key(&key.path)?;
        // If the channel is full, a wake already waits.
        let notify = move || {
            let _ = wake.try_send(());
        };
        let engine = within(namespace, || Engine::start(&config, notify))?;
        Ok(Self {
            engine: Some(engine),
            public_key,
            namespace: namespace.to_owned(),
            tun,
            links: Vec::new(),
            gateway_key: None,
            session: None,
            sessions: Vec::new(),
            seen: Vec::new(),
        })
    }

    /// Lets the engine execute its commands and stop.
    pub fn stop(&mut self) {
        if let Some(engine) = self.engine.take() {
            engine.stop();
        }
    }

    pub fn saw(&self, matches: impl Fn(&Report) -> bool) -> bool {
        self.seen.iter().any(matches)
    }

    /// The sum over all reports that the core did not handle itself.
    pub fn sum(&self, of: impl Fn(&Report) -> u64) -> u64 {
        self.seen.iter().map(of).sum()
    }

    pub fn apply(&self, commands: Vec<Command>) {
        self.engine.as_ref().expect("not stopped").apply(commands).expect("the mailbox has room");
    }

    pub fn refuses_commands(&self) -> bool {
        self.engine.as_ref().is_some_and(|engine| engine.apply(Vec::new()).is_err())
    }

    pub fn link(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|link| link.name == name)
    }

    fn handle_reports(&mut self) {
        while let Some(engine) = &self.engine {
            let batch = engine.drain(1_024);
            for timed in batch.reports {
                self.handle(timed.report);
            }
            if batch.waiting == 0 {
                return;
            }
        }
    }

    fn handle(&mut self, report: Report) {
        match report {
            Report::Links { links } => self.links = links,
            Report::Stats { .. } => {}
            Report::HandshakeConfirmed { session, .. } => {
                self.session = Some(session);
                self.sessions.push(session);
                self.address(&assignment("10.80.0.1", "fd80::1"));
                self.apply(vec![Command::AcceptSession { session, assignment: assignment("10.80.0.2", "fd80::2") }]);
            }
            Report::AttachRequested { session, path, bind_seq, .. } => {
                self.apply(vec![Command::AnswerAttach {
                    session,
                    path,
                    bind_seq,
                    deny_reason: None,
                    retry_after_ms: 0,
                }]);
            }
            Report::PathOpened { path, .. } => {
                if let Some(gateway_key) = self.gateway_key.take() {
                    self.apply(vec![Command::Dial { dial: 1, gateway_key, paths: vec![path], about: None }]);
                }
                self.seen.push(report);
            }
            Report::HandshakeDone { session, .. } => {
                self.session = Some(session);
                self.sessions.push(session);
                self.apply(vec![Command::ConfirmSession { session }]);
            }
            Report::Assigned { ref assignment, .. } => {
                self.address(assignment);
                self.seen.push(report);
            }
            other => self.seen.push(other),
        }
    }

    fn address(&self, assignment: &Assignment) {
        let (v4, v6) = (assignment.v4.expect("v4"), assignment.v6.expect("v6"));
        for (address, prefix, more) in [(IpAddr::V4(v4), 24, None), (IpAddr::V6(v6), 64, Some("nodad"))] {
            let address = format!("{address}/{prefix}");
            let mut arguments = vec!["-n", &self.namespace, "address", "replace", &address, "dev", self.tun];
            arguments.extend(more);
            ip(&arguments);
        }
    }
}

/// Starts a gateway's engine in a thread that may create devices but may not load programs into the kernel.
pub fn start_without_programs(namespace: &str, workers: u8) -> Result<Vec<Report>, StartError> {
    let key = KeyFile::new(&format!("{namespace}-{workers}"));
    let config = config(Role::Gateway, &key, "tun-g", workers);
    let engine = within(namespace, || {
        without_programs();
        Engine::start(&config, || {})
    })?;
    Ok(engine.drain(1_024).reports.into_iter().map(|timed| timed.report).collect())
}

/// Starts a client's engine with the default limits of keys and this MTU.
pub fn start_with_mtu(namespace: &str, mtu: u16) -> Result<Engine, StartError> {
    let key = KeyFile::new(&format!("{namespace}-{mtu}"));
    let config = EngineConfig { mtu, ..config(Role::Client, &key, "tun-m", 1) };
    within(namespace, || Engine::start(&config, || {}))
}

fn config(role: Role, key: &KeyFile, tun: &str, workers: u8) -> EngineConfig {
    let any = |address: &str| SocketAddr::new(address.parse().expect("an address"), PORT);
    EngineConfig {
        role,
        identity: key.path.display().to_string(),
        listen: if role == Role::Gateway { vec![any("0.0.0.0"), any("::")] } else { Vec::new() },
        tun: tun.to_owned(),
        mtu: MTU,
        disable: Vec::new(),
        workers,
        mark: 0,
        rekey_after_s: 120,
        reject_after_s: 180,
        rekey_after_packets: 1 << 27,
    }
}

fn assignment(v4: &str, v6: &str) -> Assignment {
    Assignment {
        v4: Some(v4.parse().expect("v4")),
        v4_prefix: 24,
        v6: Some(v6.parse().expect("v6")),
        v6_prefix: 64,
        dns: Vec::new(),
        mtu: MTU,
    }
}

fn offer() -> Offer {
    Offer {
        lifetime_s: 43_200,
        transport_lost_ttl_ms: 120_000,
        degraded_max_ms: 600_000,
        keepalive_ms: 25_000,
        redundant: false,
        liveness_ms: 10,
        switches_per_min: 8,
        cooldown_ms: 1_500,
        recoveries_per_min: 30,
        mtu: MTU,
        policy_version: 1,
        policy_digest: "0123456789abcdef".to_owned(),
    }
}

/// A private key file. A new one is removed once the engine has read it.
struct KeyFile {
    path: PathBuf,
    keep: bool,
}

impl KeyFile {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("{name}.key"));
        let _ = fs::remove_file(&path);
        identity::generate(&path).expect("a key file");
        Self { path, keep: false }
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        if !self.keep {
            let _ = fs::remove_file(&self.path);
        }
    }
}
