//! System calls that the standard library does not offer, each behind a safe function.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
};

/// Microseconds of `CLOCK_BOOTTIME`, which includes the time asleep, like every time limit of a session.
pub fn boot_us() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec for the kernel to fill; the call keeps no reference to it.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut time) };
    debug_assert_eq!(failed, 0, "CLOCK_BOOTTIME exists since Linux 2.6.39");
    time.tv_sec.unsigned_abs() * 1_000_000 + time.tv_nsec.unsigned_abs() / 1_000
}

/// Fills the buffer from the kernel's random generator. Blocks until the generator is seeded.
pub fn fill_random(buffer: &mut [u8]) -> io::Result<()> {
    let mut filled = 0;
    while filled < buffer.len() {
        let rest = &mut buffer[filled..];
        // SAFETY: pointer and length describe `rest`, which is writable and outlives the call.
        let got = unsafe { libc::getrandom(rest.as_mut_ptr().cast(), rest.len(), 0) };
        match usize::try_from(got) {
            Ok(got) => filled += got,
            Err(_) if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Err(io::Error::last_os_error()),
        }
    }
    Ok(())
}

/// Reduces the latency of the calling thread: no timer slack (the default of 50 µs would be most of a local round
/// trip), and a higher priority than ordinary work, because a packet that waits for a time slice is late. Both are best
/// effort: if the kernel refuses, the thread runs with the usual latency.
pub fn be_punctual() {
    const SLACK_NS: libc::c_ulong = 1_000;
    const NICENESS: libc::c_int = -10;
    // SAFETY: both calls take integers and touch no memory of ours; 0 = the calling thread.
    unsafe {
        libc::prctl(libc::PR_SET_TIMERSLACK, SLACK_NS);
        libc::setpriority(libc::PRIO_PROCESS, 0, NICENESS);
    }
}

/// Wakes a thread that waits in [`wait`].
#[derive(Debug)]
pub struct Waker(File);

impl Waker {
    pub fn new() -> io::Result<Self> {
        // SAFETY: the call takes no pointers; the result is checked before use.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `fd` was just created and nothing else owns it.
        Ok(Self(File::from(unsafe { OwnedFd::from_raw_fd(fd) })))
    }

    /// Never blocks. It can fail only if the counter is full, and then the thread is already woken.
    pub fn wake(&self) {
        let _ = (&self.0).write(&1u64.to_ne_bytes());
    }

    /// Clears all wakes so far. An empty counter is not an error: there was no wake.
    pub fn clear(&self) {
        let _ = (&self.0).read(&mut [0; 8]);
    }
}

impl AsRawFd for Waker {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// The descriptors for [`wait`]; the call sets the readiness of each.
#[derive(Debug, Default)]
pub struct WaitSet(Vec<libc::pollfd>);

impl WaitSet {
    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn add(&mut self, fd: RawFd) {
        self.0.push(libc::pollfd { fd, events: libc::POLLIN, revents: 0 });
    }

    /// The descriptor is readable, or the next read will return its error.
    pub fn is_ready(&self, position: usize) -> bool {
        self.0.get(position).is_some_and(|entry| entry.revents != 0)
    }
}

/// Waits until a descriptor is ready or `timeout_us` has passed (`None` = no limit). A signal ends the wait early, as a
/// wake does.
///
/// It uses `ppoll` instead of `epoll`: a worker has only a few descriptors, and only `ppoll` has nanosecond timeouts on
/// every kernel.
pub fn wait(set: &mut WaitSet, timeout_us: Option<u64>) -> io::Result<()> {
    let timeout = timeout_us.map(|us| libc::timespec {
        tv_sec: libc::time_t::try_from(us / 1_000_000).unwrap_or(libc::time_t::MAX),
        tv_nsec: libc::c_long::from((us % 1_000_000) as i32 * 1_000),
    });
    let timeout = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: the pointer and the count describe the live vector; `timeout` is null or points to a timespec that
    // outlives the call.
    let ready = unsafe { libc::ppoll(set.0.as_mut_ptr(), set.0.len() as libc::nfds_t, timeout, std::ptr::null()) };
    if ready >= 0 {
        return Ok(());
    }
    for entry in &mut set.0 {
        entry.revents = 0;
    }
    match io::Error::last_os_error() {
        error if error.kind() == io::ErrorKind::Interrupted => Ok(()),
        error => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_does_not_go_backwards() {
        let first = boot_us();
        assert!(boot_us() >= first);
    }

    #[test]
    fn a_wake_ends_a_wait_and_is_forgotten_when_cleared() -> io::Result<()> {
        let waker = Waker::new()?;
        let mut set = WaitSet::default();
        set.add(waker.as_raw_fd());
        waker.wake();
        waker.wake();
        wait(&mut set, None)?;
        assert!(set.is_ready(0));
        waker.clear();
        wait(&mut set, Some(0))?;
        assert!(!set.is_ready(0));
        Ok(())
    }

    #[test]
    fn a_wait_without_events_takes_its_time() -> io::Result<()> {
        let start = boot_us();
        wait(&mut WaitSet::default(), Some(1_500))?;
        assert!(boot_us() - start >= 1_500);
        Ok(())
    }

    #[test]
    fn random_bytes_fill_the_whole_buffer() -> io::Result<()> {
        let mut bytes = [0u8; 4096];
        fill_random(&mut bytes)?;
        assert!(bytes.chunks(64).all(|chunk| chunk.iter().any(|byte| *byte != 0)));
        Ok(())
    }
}
