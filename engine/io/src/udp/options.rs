//! Socket options.

use std::io;
use std::os::fd::AsRawFd;

use socket2::Socket;

pub(super) fn dont_fragment(socket: &Socket, v6: bool, on: bool) -> io::Result<()> {
    if v6 {
        let value = if on { libc::IPV6_PMTUDISC_PROBE } else { libc::IPV6_PMTUDISC_DONT };
        set_int(socket, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, value)
    } else {
        let value = if on { libc::IP_PMTUDISC_PROBE } else { libc::IP_PMTUDISC_DONT };
        set_int(socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, value)
    }
}

/// Sets the buffer size; above the system's limit only with the right to do so.
pub(super) fn set_buffer(
    socket: &Socket,
    force: libc::c_int,
    plain: libc::c_int,
    bytes: libc::c_int,
) -> io::Result<()> {
    set_int(socket, libc::SOL_SOCKET, force, bytes).or_else(|_| set_int(socket, libc::SOL_SOCKET, plain, bytes))
}

pub(super) fn set_int(socket: &Socket, level: libc::c_int, name: libc::c_int, value: libc::c_int) -> io::Result<()> {
    set(socket, level, name, &value.to_ne_bytes())
}

pub(super) fn set(socket: &Socket, level: libc::c_int, name: libc::c_int, value: &[u8]) -> io::Result<()> {
    // SAFETY: pointer and length describe `value`, which is readable during the call.
    let result = unsafe {
        libc::setsockopt(socket.as_raw_fd(), level, name, value.as_ptr().cast(), value.len() as libc::socklen_t)
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
