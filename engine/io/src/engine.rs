//! The engine as its owner sees it: started with a configuration, told commands, asked for reports, stopped.

use std::{
    io,
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use jvpn_proto::{
    endpoint::{Endpoint, EndpointConfig, Limits},
    messages::{Command, EngineConfig, Report, ReportBatch, Role},
};

use crate::{
    fault::StartError,
    identity,
    netlink::LinkWatch,
    queue::{Mailbox, ReportQueue},
    sys::{Waker, boot_us, fill_random},
    tun::{Tun, TunError},
    udp,
    worker::{SOCKETS_MAX, Shared, SocketDefaults, Sockets, Worker},
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
    /// Creates the device and the sockets in the network namespace of the calling thread and starts working. `notify` is called
    /// from the engine's threads when reports wait, and not again before [`Engine::drain`]. The first reports are `Started` and
    /// `Links`.
    pub fn start(config: &EngineConfig, notify: impl Fn() + Send + Sync + 'static) -> Result<Self, StartError> {
        check(config)?;
        let key = identity::load(Path::new(&config.identity))?;
        let resources = |error: io::Error| {
            StartError::machine("cannot start the engine", error, "see the limits of the process (ulimit -n)")
        };
        let (seed, incarnation) = random().map_err(resources)?;
        let enabled = |name: &str| !config.disable.iter().any(|disabled| disabled == name);
        let aes = enabled("aes_gcm") && has_aes();

        let tun = Tun::create(&config.tun, config.mtu, enabled("tun_offload"))
            .map_err(|error| no_tun(&config.tun, &error))?;
        let found = udp::probe();
        let (gso, gro) = (found.gso && enabled("udp_gso"), found.gro && enabled("udp_gro"));
        let mut sockets = Sockets::new(SocketDefaults { mark: config.mark, gso, gro });
        let listen = listen(&config.listen, &mut sockets)?;
        let watch = LinkWatch::open(&config.tun).map_err(resources)?;
        let mailbox = Mailbox::new(Waker::new().map_err(resources)?);
        let stop_links = Arc::new(Waker::new().map_err(resources)?);

        let mut capabilities = tun.capabilities();
        capabilities.extend(udp::Capabilities { gso, gro }.names());
        capabilities.extend(aes.then_some("aes_gcm"));
        let started = Report::Started {
            public_key: key.public().to_text(),
            incarnation,
            listen,
            tun: tun.name().to_owned(),
            capabilities: capabilities.into_iter().map(str::to_owned).collect(),
        };
        let shared = Arc::new(Shared { mailbox, reports: ReportQueue::new(notify), stopping: AtomicBool::new(false) });
        let now = boot_us();
        let limits = limits(config);
        let endpoint_config = EndpointConfig {
            role: config.role,
            identity: key,
            incarnation,
            mtu: config.mtu,
            allow_aes: aes,
            allow_redundant: enabled("redundant"),
            limits,
        };
        let endpoint = Endpoint::new(endpoint_config, seed, now);
        // An empty queue takes two reports.
        let _ = shared.reports.push(now, started);
        let _ = shared.reports.push(now, Report::Links { links: watch.links().to_vec() });

        let mut engine = Self { shared: shared.clone(), stop_links: stop_links.clone(), threads: Vec::new() };
        let worker = Worker::new(config.role, endpoint, tun, sockets, shared.clone());
        engine.spawn("jvpn-packets", move || worker.run()).map_err(resources)?;
        engine.spawn("jvpn-links", move || watch_links(watch, &stop_links, &shared)).map_err(resources)?;
        Ok(engine)
    }

    /// Hands commands to the worker, all or none. They are obeyed in order.
    pub fn apply(&self, commands: Vec<Command>) -> Result<(), String> {
        if self.shared.reports.is_closed() {
            return Err("the engine ended with a fatal report".to_owned());
        }
        self.shared.mailbox.put(commands)
    }

    /// The oldest waiting reports, at most `max` (1 … 1,024). Allows the next `notify`.
    pub fn drain(&self, max: usize) -> ReportBatch {
        self.shared.reports.drain(max)
    }

    /// Obeys the commands given so far, sends what follows from them (at most 200 ms), closes everything and joins the threads.
    pub fn stop(self) {
        drop(self);
    }

    /// A thread that ends with an error or a panic takes the other one with it and leaves `Fatal` as the last report.
    fn spawn(&mut self, name: &str, work: impl FnOnce() -> Result<(), String> + Send + 'static) -> io::Result<()> {
        let (shared, stop_links) = (self.shared.clone(), self.stop_links.clone());
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            let what = match catch_unwind(AssertUnwindSafe(work)) {
                Ok(Ok(())) => return,
                Ok(Err(what)) => what,
                Err(panic) => format!("the engine broke one of its own rules: {}", panic_text(panic.as_ref())),
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
            // A panic inside became a report.
            let _ = thread.join();
        }
    }
}

fn stop(shared: &Shared, links: &Waker) {
    shared.stopping.store(true, Ordering::Release);
    shared.mailbox.waker().wake();
    links.wake();
}

fn watch_links(watch: LinkWatch, stop: &Waker, shared: &Shared) -> Result<(), String> {
    let report = |links: &[_]| shared.reports.push(boot_us(), Report::Links { links: links.to_vec() });
    watch.run(stop, report).map_err(|error| format!("the kernel's news about links ended: {error}"))
}

fn check(config: &EngineConfig) -> Result<(), StartError> {
    if let Some(unknown) = config.disable.iter().find(|name| !DISABLE.contains(&name.as_str())) {
        let known = DISABLE.join(", ");
        return Err(StartError::configuration(
            format!("cannot disable {unknown}"),
            "there is no such trait",
            format!("one of {known}"),
        ));
    }
    if config.mtu < 1_280 {
        let why = "IPv6 needs at least 1280, and Linux removes IPv6 addresses from a device below that";
        return Err(StartError::configuration(
            format!("the MTU {} is refused", config.mtu),
            why,
            "choose 1280 or more",
        ));
    }
    let ways = config.listen.len();
    match config.role {
        Role::Gateway if ways == 0 || ways > SOCKETS_MAX => Err(StartError::configuration(
            format!("a gateway cannot listen on {ways} addresses"),
            format!("between 1 and {SOCKETS_MAX} are possible"),
            "set the gateway's listen addresses",
        )),
        Role::Client if ways > 0 => {
            let why = "its sockets belong to its paths";
            Err(StartError::configuration("a client does not listen", why, "remove the listen addresses"))
        }
        _ => Ok(()),
    }
}

fn listen(addresses: &[SocketAddr], sockets: &mut Sockets) -> Result<Vec<SocketAddr>, StartError> {
    let open = |(id, address): (u32, &SocketAddr)| {
        sockets.listen(id, *address).map_err(|error| {
            let hint = match error.kind() {
                io::ErrorKind::AddrInUse => format!("see who uses it: ss -ulpn 'sport = :{}'", address.port()),
                io::ErrorKind::AddrNotAvailable => "choose an address of this machine (ip address)".to_owned(),
                io::ErrorKind::PermissionDenied => "run as root, or with CAP_NET_ADMIN and CAP_NET_RAW".to_owned(),
                _ => "check the listen addresses".to_owned(),
            };
            StartError::machine(format!("cannot listen on udp {address}"), error, hint)
        })
    };
    (0..).zip(addresses).map(open).collect()
}

fn no_tun(name: &str, error: &TunError) -> StartError {
    let hint = match error.source.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => "run as root, or with CAP_NET_ADMIN",
        Some(libc::ENOENT | libc::ENODEV | libc::ENXIO) => {
            "load the kernel module: modprobe tun (in a container, pass /dev/net/tun in)"
        }
        Some(libc::EBUSY | libc::EEXIST | libc::EINVAL) => {
            "another process or device has this name: ip link; choose another"
        }
        _ => "check the name and the MTU of the device",
    };
    let what = format!("cannot create the TUN device {name}");
    if error.source.kind() == io::ErrorKind::InvalidInput && error.source.raw_os_error().is_none() {
        return StartError::configuration(what, error, hint);
    }
    StartError::machine(what, error, hint)
}

fn random() -> io::Result<([u8; 32], u32)> {
    let (mut seed, mut incarnation) = ([0; 32], [0; 4]);
    fill_random(&mut seed)?;
    fill_random(&mut incarnation)?;
    Ok((seed, u32::from_ne_bytes(incarnation)))
}

fn limits(config: &EngineConfig) -> Limits {
    Limits {
        rekey_after_us: u64::from(config.rekey_after_s) * 1_000_000,
        reject_after_us: u64::from(config.reject_after_s) * 1_000_000,
        rekey_after_packets: config.rekey_after_packets,
        ..Limits::default()
    }
}

/// Without instructions for it AES is slower than `ChaCha20`, and its tables leak through the cache.
fn has_aes() -> bool {
    #[cfg(target_arch = "x86_64")]
    let found = std::arch::is_x86_feature_detected!("aes") && std::arch::is_x86_feature_detected!("pclmulqdq");
    #[cfg(target_arch = "aarch64")]
    let found = std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let found = false;
    found
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no text")
}
