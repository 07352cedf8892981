//! The two clocks of the lab.
//!
//! Schedules use `CLOCK_MONOTONIC`, the clock of the kernel's timers. Reports use `CLOCK_BOOTTIME` in microseconds,
//! which all processes of the machine share, in every namespace.

/// Nanoseconds of `CLOCK_MONOTONIC`.
pub type MonoNs = u64;

/// Microseconds of `CLOCK_BOOTTIME`.
pub type BootUs = u64;

pub const NS_PER_MS: u64 = 1_000_000;
pub const NS_PER_SEC: u64 = 1_000_000_000;

pub fn mono_ns() -> MonoNs {
    read(libc::CLOCK_MONOTONIC)
}

pub fn boot_us() -> BootUs {
    read(libc::CLOCK_BOOTTIME) / 1000
}

/// Nanoseconds of `CLOCK_BOOTTIME`, for the time stamps of captures.
pub fn boot_ns() -> u64 {
    read(libc::CLOCK_BOOTTIME)
}

/// Nanoseconds of the wall clock; used only to translate the kernel's packet time stamps.
pub fn real_ns() -> u64 {
    read(libc::CLOCK_REALTIME)
}

/// Converts a kernel time stamp from wall clock to boot time.
///
/// Both clocks are read during the conversion. So a step of the wall clock only affects packets that were received but
/// not yet read when it happened.
pub fn boot_ns_of_real(stamp_ns: u64) -> u64 {
    boot_ns().saturating_sub(real_ns().saturating_sub(stamp_ns))
}

/// [`boot_ns_of_real`] in microseconds.
pub fn boot_us_of_real(stamp_ns: u64) -> BootUs {
    boot_ns_of_real(stamp_ns) / 1000
}

/// Sleeps until an absolute time, so that lateness does not accumulate over a schedule.
pub fn sleep_until(at: MonoNs) {
    let time = timespec(at);
    // SAFETY: `time` is a valid timespec that outlives the call; the remainder is not requested.
    while unsafe {
        libc::clock_nanosleep(
            libc::CLOCK_MONOTONIC,
            libc::TIMER_ABSTIME,
            &raw const time,
            std::ptr::null_mut(),
        )
    } == libc::EINTR
    {}
}

/// Makes timers of the calling thread expire on time instead of up to 50 µs later (the default slack).
pub fn precise_timers() {
    // SAFETY: PR_SET_TIMERSLACK takes one integer and affects the calling thread only.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1) };
}

pub fn timespec(ns: u64) -> libc::timespec {
    libc::timespec {
        tv_sec: libc::time_t::try_from(ns / NS_PER_SEC).unwrap_or(libc::time_t::MAX),
        tv_nsec: (ns % NS_PER_SEC) as libc::c_long,
    }
}

fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is valid for writing; the three clocks used here exist on every Linux, so the call cannot fail.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec as u64 * NS_PER_SEC + time.tv_nsec as u64
}
