//! The engine's public interface: start with a configuration, apply commands, drain reports, stop.

use std::{
    io, iter,
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use jvpn_proto::blame::DropKind;
use jvpn_proto::{
    endpoint::{Endpoint, EndpointConfig, Limits, Shard, panic_text},
    messages::{Command, EngineConfig, Report, ReportBatch, Role},
};

use crate::{
    dispatch::Dispatch,
    fault::StartError,
    identity,
    netlink::LinkWatch,
    queue::ReportQueue,
    sys::{Waker, boot_us, fill_random},
    tun::Tun,
    tun::device::{Device, WORKERS_MAX},
    udp,
    worker::{Outer, SOCKETS_MAX, Shared, SocketDefaults, Sockets, Worker},
};

const DISABLE: [&str; 5] = ["tun_offload", "udp_gso", "udp_gro", "aes_gcm", "redundant"];

/// A running engine. Dropping it stops it.
#[derive(Debug)]
pub struct Engine {
    shared: Arc<Shared>,
    stop_links: Arc<Waker>,
    threads: Vec<JoinHandle<()>>,
}

impl Engine {
    /// Creates the device and the sockets in the network namespace of the calling thread, and starts the threads.
    /// `notify` is called from the engine's threads when reports wait, and not again before [`Engine::drain`]. The
    /// first reports are `Started` and `Links`.
    pub fn start(config: &EngineConfig, notify: impl Fn() + Send + Sync + 'static) -> Result<Self, StartError> {
        check(config)?;
        let key = identity::load(Path::new(&config.identity))?;
        let resources = |error: io::Error| {
            StartError::machine("cannot start the engine", error, "check the limits of the process (ulimit -n)")
        };
        let incarnation = u32::from_ne_bytes(random().map_err(resources)?);
        let enabled = |name: &str| !config.disable.iter().any(|disabled| disabled == name);
        let aes = enabled("aes_gcm") && has_aes();

        let Device { queues, addresses, alone_because } = Device::create(config, enabled("tun_offload"))?;
        let found = udp::probe();
        let (gso, gro) = (found.gso && enabled("udp_gso"), found.gro && enabled("udp_gro"));
        let defaults = SocketDefaults { mark: config.mark, gso, gro };
        let mut sockets: Vec<Sockets> = queues.iter().map(|_| Sockets::new(defaults)).collect();
        let listen = listen(&config.listen, &mut sockets)?;
        let watch = LinkWatch::open(&config.tun).map_err(resources)?;
        let wakers = queues.iter().map(|_| Waker::new()).collect::<io::Result<Vec<_>>>().map_err(resources)?;
        let stop_links = Arc::new(Waker::new().map_err(resources)?);

        let workers = queues.len() as u8;
        let mut capabilities = queues.first().map(Tun::capabilities).unwrap_or_default();
        capabilities.extend(udp::Capabilities { gso, gro }.names());
        capabilities.extend(aes.then_some("aes_gcm"));
        let started = Report::Started {
            public_key: key.public().to_text(),
            incarnation,
            listen,
            tun: config.tun.clone(),
            capabilities: capabilities.into_iter().map(str::to_owned).collect(),
            workers,
            alone_because,
        };
        let dispatch = Dispatch::new(wakers, addresses);
        let shared = Arc::new(Shared { dispatch, reports: ReportQueue::new(notify), stopping: AtomicBool::new(false) });
        let now = boot_us();
        // An empty queue has room for two reports.
        let _ = shared.reports.push(now, started);
        let _ = shared.reports.push(now, Report::Links { links: watch.links().to_vec() });

        let mut engine = Self { shared: shared.clone(), stop_links: stop_links.clone(), threads: Vec::new() };
        for (number, (tun, sockets)) in (0..workers).zip(iter::zip(queues, sockets)) {
            let endpoint_config = EndpointConfig {
                role: config.role,
                identity: key.clone(),
                incarnation,
                mtu: config.mtu,
                allow_aes: aes,
                allow_redundant: enabled("redundant"),
                limits: limits(config),
                shard: Shard { number, of: workers },
            };
            let endpoint = Endpoint::new(endpoint_config, random().map_err(resources)?, now);
            let outer = Outer { role: config.role, endpoint, sockets };
            let worker = Worker::new(number, outer, tun, shared.clone());
            engine.spawn(&format!("jvpn-packets-{number}"), move || worker.run()).map_err(resources)?;
        }
        engine.spawn("jvpn-links", move || watch_links(watch, &stop_links, &shared)).map_err(resources)?;
        Ok(engine)
    }

    /// Hands commands to the workers, all or none. Commands of one session are executed in order.
    pub fn apply(&self, commands: Vec<Command>) -> Result<(), String> {
        if self.shared.reports.is_closed() {
            return Err("the engine ended with a fatal report".to_owned());
        }
        let refused = self.shared.dispatch.put(commands)?;
        if refused > 0 {
            // Packets for these addresses will be dropped; this report says why. If the queue is closed, there is no
            // reader left.
            let kind = DropKind::AddressTableFull.into();
            let _ = self.shared.reports.push(boot_us(), Report::Dropped { kind, count: refused, sender: None });
        }
        Ok(())
    }

    /// The oldest waiting reports, at most `max` (1 … 1,024). Allows the next `notify`.
    pub fn drain(&self, max: usize) -> ReportBatch {
        self.shared.reports.drain(max)
    }

    /// Executes the commands handed over so far, sends the resulting datagrams (at most 200 ms), closes everything and
    /// joins the threads.
    pub fn stop(self) {
        drop(self);
    }

    /// If a thread ends with an error or a panic, all threads stop and `Fatal` is the last report.
    fn spawn(&mut self, name: &str, work: impl FnOnce() -> Result<(), String> + Send + 'static) -> io::Result<()> {
        let (shared, stop_links) = (self.shared.clone(), self.stop_links.clone());
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            let what = match catch_unwind(AssertUnwindSafe(work)) {
                Ok(Ok(())) => return,
                Ok(Err(what)) => what,
                Err(panic) => format!("internal error in the engine: {}", panic_text(panic.as_ref())),
            };
            shared.reports.fatal(boot_us(), what);
            stop(&shared, &stop_links);
        })?;
        self.threads.push(thread);
        Ok(())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        stop(&self.shared, &self.stop_links);
        for thread in self.threads.drain(..) {
            // A panic of the thread is already reported.
            let _ = thread.join();
        }
    }
}

fn stop(shared: &Shared, links: &Waker) {
    shared.stopping.store(true, Ordering::Release);
    shared.dispatch.wake_all();
    links.wake();
}

fn watch_links(watch: LinkWatch, stop: &Waker, shared: &Shared) -> Result<(), String> {
    let report = |links: &[_]| shared.reports.push(boot_us(), Report::Links { links: links.to_vec() });
    watch.run(stop, report).map_err(|error| format!("cannot read link changes from the kernel: {error}"))
}

fn check(config: &EngineConfig) -> Result<(), StartError> {
    if let Some(unknown) = config.disable.iter().find(|name| !DISABLE.contains(&name.as_str())) {
        let known = DISABLE.join(", ");
        return Err(StartError::configuration(
            format!("cannot disable {unknown}"),
            "there is no such feature",
            format!("one of {known}"),
        ));
    }
    if config.mtu < 1_280 {
        let why = "IPv6 needs at least 1280, and Linux removes IPv6 addresses from a device below that";
        return Err(StartError::configuration(
            format!("the MTU {} is too small", config.mtu),
            why,
            "choose 1280 or more",
        ));
    }
    let packets_max = Limits::packets_max(config.mtu);
    if config.rekey_after_packets > packets_max {
        return Err(StartError::configuration(
            format!("one key cannot seal {} packets", config.rekey_after_packets),
            format!("packets of {} bytes bring it to the limit of its cipher after {packets_max}", config.mtu),
            format!("set [engine] rekey_after_packets to {packets_max} or less, or leave it out"),
        ));
    }
    if config.workers > WORKERS_MAX || (config.role == Role::Client && config.workers > 1) {
        let why = format!("a gateway has at most {WORKERS_MAX} workers; a client has one, because it has one session");
        let what = format!("cannot start {} workers", config.workers);
        let hint = format!("remove the setting workers, or set it to 1 … {WORKERS_MAX} on a gateway");
        return Err(StartError::configuration(what, why, hint));
    }
    let ways = config.listen.len();
    match config.role {
        Role::Gateway if ways == 0 || ways > SOCKETS_MAX => Err(StartError::configuration(
            format!("a gateway cannot listen on {ways} addresses"),
            format!("a gateway needs 1 to {SOCKETS_MAX} listen addresses"),
            "set the gateway's listen addresses",
        )),
        Role::Client if ways > 0 => {
            let why = "a client opens one socket for each path";
            Err(StartError::configuration("a client cannot listen", why, "remove the listen addresses"))
        }
        _ => Ok(()),
    }
}

fn listen(addresses: &[SocketAddr], workers: &mut [Sockets]) -> Result<Vec<SocketAddr>, StartError> {
    let open = |(id, address): (u32, &SocketAddr)| {
        Sockets::listen(workers, id, *address).map_err(|error| {
            let hint = match error.kind() {
                io::ErrorKind::AddrInUse => format!("find the process: ss -ulpn 'sport = :{}'", address.port()),
                io::ErrorKind::AddrNotAvailable => "choose an address of this machine (ip address)".to_owned(),
                io::ErrorKind::PermissionDenied => "run as root, or with CAP_NET_ADMIN and CAP_NET_RAW".to_owned(),
                _ => "check the listen addresses".to_owned(),
            };
            StartError::machine(format!("cannot listen on udp {address}"), error, hint)
        })
    };
    (0..).zip(addresses).map(open).collect()
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    fill_random(&mut bytes)?;
    Ok(bytes)
}

fn limits(config: &EngineConfig) -> Limits {
    Limits {
        rekey_after_us: u64::from(config.rekey_after_s) * 1_000_000,
        reject_after_us: u64::from(config.reject_after_s) * 1_000_000,
        rekey_after_packets: config.rekey_after_packets,
        ..Limits::default()
    }
}

/// Without CPU instructions for it, AES is slower than `ChaCha20`, and its lookup tables leak through cache timing.
fn has_aes() -> bool {
    #[cfg(target_arch = "x86_64")]
    let found = std::arch::is_x86_feature_detected!("aes") && std::arch::is_x86_feature_detected!("pclmulqdq");
    #[cfg(target_arch = "aarch64")]
    let found = std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let found = false;
    found
}
