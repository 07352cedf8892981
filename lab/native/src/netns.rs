//! Network namespaces, by their iproute2 name or by a path.

use crate::fault::{Attempt, Fault};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

/// Moves the calling thread into a namespace: a name below `/var/run/netns`, or a path. Threads that it starts
/// afterwards inherit the namespace.
pub fn enter(name: &str) -> Result<(), Fault> {
    let path = if name.contains('/') {
        PathBuf::from(name)
    } else {
        PathBuf::from("/var/run/netns").join(name)
    };
    let to_do = "check `ip netns list`; entering a namespace needs root";
    let file = File::open(&path).attempt(
        format!("cannot open the network namespace {}", path.display()),
        to_do,
    )?;
    // SAFETY: `file` is open; setns with CLONE_NEWNET changes the calling thread only.
    crate::sys::done(unsafe { libc::setns(file.as_raw_fd(), libc::CLONE_NEWNET) }).attempt(
        format!("cannot enter the network namespace {}", path.display()),
        to_do,
    )
}

/// Runs `work` in a namespace, on a separate thread, so that the caller's namespace does not change. An empty name
/// means the caller's namespace. Everything that `work` opens stays in that namespace.
pub fn inside<T: Send>(
    name: &str,
    work: impl FnOnce() -> Result<T, Fault> + Send,
) -> Result<T, Fault> {
    if name.is_empty() {
        return work();
    }
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| {
            enter(name)?;
            work()
        });
        worker
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
