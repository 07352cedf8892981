//! Safe wrappers for the few system calls that std does not have.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// Tells by position which of the descriptors given to [`wait_readable`] are readable. An error or a hang-up counts as
/// readable: the next read reports it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Readable(u32);

impl Readable {
    pub fn at(self, position: usize) -> bool {
        self.0 & (1 << position) != 0
    }
}

/// Waits until a descriptor is readable or `timeout_ns` has passed (`None`: no limit). At most 8 descriptors.
pub fn wait_readable(descriptors: &[RawFd], timeout_ns: Option<u64>) -> io::Result<Readable> {
    let mut polled = [libc::pollfd {
        fd: -1,
        events: libc::POLLIN,
        revents: 0,
    }; 8];
    let count = descriptors.len().min(polled.len());
    for (slot, &fd) in polled.iter_mut().zip(descriptors) {
        slot.fd = fd;
    }
    let timeout = timeout_ns.map(crate::clock::timespec);
    let timeout_ptr = timeout
        .as_ref()
        .map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: `polled` holds `count` valid entries; the timeout is null or points to a live timespec; no mask is set.
    let ready = unsafe {
        libc::ppoll(
            polled.as_mut_ptr(),
            count as libc::nfds_t,
            timeout_ptr,
            std::ptr::null(),
        )
    };
    if ready < 0 {
        let error = io::Error::last_os_error();
        return if error.kind() == io::ErrorKind::Interrupted {
            Ok(Readable::default())
        } else {
            Err(error)
        };
    }
    let bits = polled
        .iter()
        .take(count)
        .enumerate()
        .filter(|(_, p)| p.revents != 0);
    Ok(Readable(
        bits.fold(0, |bits, (position, _)| bits | 1 << position),
    ))
}

/// Converts the result of a call that returns a new descriptor into an owned descriptor.
pub fn owned(fd: libc::c_int) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just created this descriptor for us; nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Converts the result of a call that returns 0 or −1 into a `Result`.
pub fn done(returned: libc::c_int) -> io::Result<()> {
    if returned < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// Sets one socket option to a plain value.
pub fn set_option<T>(socket: &impl AsRawFd, level: i32, name: i32, value: &T) -> io::Result<()> {
    // SAFETY: `value` is valid for reading `size_of::<T>()` bytes, and the kernel copies it.
    done(unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            std::ptr::from_ref(value).cast(),
            size_of::<T>() as libc::socklen_t,
        )
    })
}

/// Requests a receive buffer size: above the system's limit if the capability allows it, else up to the limit.
pub fn receive_buffer(socket: &impl AsRawFd, bytes: i32) -> io::Result<()> {
    set_option(socket, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, &bytes)
        .or_else(|_| set_option(socket, libc::SOL_SOCKET, libc::SO_RCVBUF, &bytes))
}

/// Ends this process when its parent dies, so that a killed lab leaves no running tools behind.
pub fn end_with_parent() {
    // SAFETY: PR_SET_PDEATHSIG takes one integer and affects this process only.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) };
}

/// Gives the calling thread priority over ordinary threads: an emulated cable and a periodic sender must not be slowed
/// by their own load. The lowest real-time priority is enough, and the kernel's throttling keeps 5 % of each second for
/// other threads. Without the privilege nothing changes; the reported lateness shows the effect.
pub fn run_ahead() {
    // SAFETY: sched_param is plain data; all zeros is a valid value.
    let mut priority: libc::sched_param = unsafe { std::mem::zeroed() };
    priority.sched_priority = 1;
    // SAFETY: affects the calling thread (0) only; `priority` outlives the call.
    unsafe {
        libc::sched_setscheduler(
            0,
            libc::SCHED_RR | libc::SCHED_RESET_ON_FORK,
            &raw const priority,
        )
    };
}

/// Receives one datagram with the kernel's arrival time (wall clock, ns), if the socket requested it.
pub fn receive_stamped(
    socket: &impl AsRawFd,
    datagram: &mut [u8],
) -> io::Result<(usize, Option<u64>)> {
    // Aligned for control messages, and large enough for one with a timespec.
    let mut control = [0_u64; 16];
    let mut part = libc::iovec {
        iov_base: datagram.as_mut_ptr().cast(),
        iov_len: datagram.len(),
    };
    // SAFETY: msghdr is plain data; all zeros is a valid value.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&control);
    // SAFETY: `message` points to one live buffer and one live control area with their true lengths.
    let got = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, 0) };
    let len = usize::try_from(got).map_err(|_| io::Error::last_os_error())?;
    Ok((len, stamp_of(&message)))
}

/// The kernel's arrival time (wall clock, ns) in the control messages of a received message.
pub fn stamp_of(message: &libc::msghdr) -> Option<u64> {
    // SAFETY: the kernel has filled `message`; its control area is alive and holds well-formed control messages.
    let mut entry = unsafe { libc::CMSG_FIRSTHDR(message) };
    while !entry.is_null() {
        // SAFETY: `entry` is not null and lies in the control area, as both macros guarantee.
        let (level, kind) = unsafe { ((*entry).cmsg_level, (*entry).cmsg_type) };
        if level == libc::SOL_SOCKET && kind == libc::SCM_TIMESTAMPNS {
            // SAFETY: the kernel wrote a timespec after this header.
            let stamp: libc::timespec =
                unsafe { std::ptr::read_unaligned(libc::CMSG_DATA(entry).cast()) };
            return Some(stamp.tv_sec as u64 * crate::clock::NS_PER_SEC + stamp.tv_nsec as u64);
        }
        // SAFETY: as above.
        entry = unsafe { libc::CMSG_NXTHDR(message, entry) };
    }
    None
}
