//! Two namespaces with two links between them, created for one test and removed with it.
//!
//! ```text
//!   <name>-c                               <name>-g
//!   ┌───────────────────────────┐        ┌───────────────────────────┐
//!   │ wan0   192.0.2.2/24       ├─ veth ─┤ wan0   192.0.2.1/24       │
//!   │        2001:db8:a::2/64   │        │        2001:db8:a::1/64   │
//!   │ wan1   198.51.100.2/24    ├─ veth ─┤ wan1   198.51.100.1/24    │
//!   │        2001:db8:b::2/64   │        │        2001:db8:b::1/64   │
//!   └───────────────────────────┘        └───────────────────────────┘
//! ```

use std::{
    fs::File,
    os::fd::AsRawFd,
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

static NEXT: AtomicU32 = AtomicU32::new(0);

#[derive(Debug)]
pub struct Topology {
    pub client: String,
    pub gateway: String,
}

impl Topology {
    /// Returns `None`, and prints the reason, if this machine cannot do it.
    pub fn lay() -> Option<Self> {
        // SAFETY: the call takes no arguments and touches no memory of ours.
        if unsafe { libc::geteuid() } != 0 {
            eprintln!("skipped: namespaces need root");
            return None;
        }
        if let Err(error) = File::open("/dev/net/tun") {
            eprintln!("skipped: no TUN devices here: {error}");
            return None;
        }
        let name = format!("jvpn-t{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let topology = Self { client: format!("{name}-c"), gateway: format!("{name}-g") };
        ip(&["netns", "add", &topology.client]);
        ip(&["netns", "add", &topology.gateway]);
        for (link, v4, v6) in [("wan0", "192.0.2", "2001:db8:a:"), ("wan1", "198.51.100", "2001:db8:b:")] {
            topology.join(link, v4, v6);
        }
        for namespace in [&topology.client, &topology.gateway] {
            ip(&["-n", namespace, "link", "set", "lo", "up"]);
        }
        Some(topology)
    }

    fn join(&self, link: &str, v4: &str, v6: &str) {
        let (client, gateway) = (self.client.as_str(), self.gateway.as_str());
        ip(&["link", "add", "name", link, "netns", client, "type", "veth", "peer", "name", link, "netns", gateway]);
        for (namespace, host) in [(client, 2), (gateway, 1)] {
            ip(&["-n", namespace, "address", "add", &format!("{v4}.{host}/24"), "dev", link]);
            ip(&["-n", namespace, "address", "add", &format!("{v6}:{host}/64"), "dev", link, "nodad"]);
            ip(&["-n", namespace, "link", "set", link, "up"]);
        }
    }
}

impl Drop for Topology {
    fn drop(&mut self) {
        for namespace in [&self.client, &self.gateway] {
            let _ = Command::new("ip").args(["netns", "delete", namespace]).stderr(Stdio::null()).status();
        }
    }
}

/// Runs `ip`, which must succeed.
pub fn ip(arguments: &[&str]) {
    let output = Command::new("ip").args(arguments).output().expect("iproute2 is installed");
    assert!(output.status.success(), "ip {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
}

/// Runs `work` in a namespace. Sockets, devices and threads that it creates stay there.
pub fn within<T: Send>(namespace: &str, work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let entered = scope.spawn(|| {
            let target = File::open(format!("/var/run/netns/{namespace}")).expect("the namespace exists");
            // SAFETY: the descriptor is open; the call changes only this thread's namespace.
            let failed = unsafe { libc::setns(target.as_raw_fd(), libc::CLONE_NEWNET) };
            assert_eq!(failed, 0, "entering {namespace}");
            work()
        });
        entered.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Removes CAP_BPF, and CAP_SYS_ADMIN which includes it, from the calling thread alone.
pub fn without_programs() {
    /// linux/capability.h: the version with 64 capabilities, in two halves of effective, permitted and inheritable
    /// sets.
    const VERSION: u32 = 0x2008_0522;
    const SYS_ADMIN: u32 = 21;
    const BPF: u32 = 39;
    let mut header = [VERSION, 0];
    let mut halves = [[0_u32; 3]; 2];
    // SAFETY: both calls take a header of two numbers and two halves of three numbers; 0 = the calling thread.
    unsafe {
        assert_eq!(libc::syscall(libc::SYS_capget, header.as_mut_ptr(), halves.as_mut_ptr()), 0);
        halves[0][0] &= !(1 << SYS_ADMIN);
        halves[1][0] &= !(1 << (BPF - 32));
        assert_eq!(libc::syscall(libc::SYS_capset, header.as_mut_ptr(), halves.as_ptr()), 0);
    }
}
