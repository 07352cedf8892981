//! Network namespaces: named as iproute2 names them, or by a path.

use crate::fault::{Attempt, Fault};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

/// Moves the calling thread into a namespace: a name below `/var/run/netns`, or a path. Threads started afterwards
/// by this one inherit it.
pub fn enter(name: &str) -> Result<(), Fault> {
    let path = if name.contains('/') {
        PathBuf::from(name)
    } else {
        PathBuf::from("/var/run/netns").join(name)
    };
    let to_do = "see `ip netns list`; entering a namespace needs root";
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

/// Runs `work` in a namespace, on a thread of its own, so that the caller stays where it is. An empty name is the
/// caller's namespace. What `work` opens belongs to that namespace for good.
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
