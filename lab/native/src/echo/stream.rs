//! Multipath TCP sockets, which std cannot open. After that they are used like any TCP socket.

use crate::sys;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};

const BACKLOG: i32 = 16;

/// Connects with Multipath TCP. Fails if the kernel does not support it.
pub fn connect_mptcp(to: SocketAddr) -> io::Result<TcpStream> {
    let socket = open_mptcp(to)?;
    with_address(to, |address, len| {
        // SAFETY: `address` points to a live address of `len` bytes.
        sys::done(unsafe { libc::connect(socket.as_raw_fd(), address, len) })
    })?;
    Ok(TcpStream::from(socket))
}

/// Listens for Multipath TCP and plain TCP on the same socket; only for plain TCP if the kernel does not support
/// Multipath TCP.
pub fn listen(at: SocketAddr) -> io::Result<TcpListener> {
    let Ok(socket) = open_mptcp(at) else {
        return TcpListener::bind(at);
    };
    sys::set_option(&socket, libc::SOL_SOCKET, libc::SO_REUSEADDR, &1_i32)?;
    with_address(at, |address, len| {
        // SAFETY: `address` points to a live address of `len` bytes.
        sys::done(unsafe { libc::bind(socket.as_raw_fd(), address, len) })
    })?;
    // SAFETY: takes two integers.
    sys::done(unsafe { libc::listen(socket.as_raw_fd(), BACKLOG) })?;
    Ok(TcpListener::from(socket))
}

fn open_mptcp(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() {
        libc::AF_INET
    } else {
        libc::AF_INET6
    };
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
    // SAFETY: takes three integers.
    sys::owned(unsafe { libc::socket(family, kind, libc::IPPROTO_MPTCP) })
}

/// Calls `call` with the address in the kernel's form.
fn with_address<T>(
    address: SocketAddr,
    call: impl FnOnce(*const libc::sockaddr, libc::socklen_t) -> T,
) -> T {
    match address {
        SocketAddr::V4(v4) => {
            let native = libc::sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: v4.port().to_be(),
                sin_addr: libc::in_addr {
                    s_addr: u32::from_ne_bytes(v4.ip().octets()),
                },
                sin_zero: [0; 8],
            };
            let len = size_of_val(&native) as libc::socklen_t;
            call(std::ptr::from_ref(&native).cast(), len)
        }
        SocketAddr::V6(v6) => {
            let native = libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as libc::sa_family_t,
                sin6_port: v6.port().to_be(),
                sin6_flowinfo: v6.flowinfo(),
                sin6_addr: libc::in6_addr {
                    s6_addr: v6.ip().octets(),
                },
                sin6_scope_id: v6.scope_id(),
            };
            let len = size_of_val(&native) as libc::socklen_t;
            call(std::ptr::from_ref(&native).cast(), len)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    #[test]
    fn a_listener_serves_tcp_and_multipath_tcp_over_both_families() {
        for at in ["127.0.0.1:0", "[::1]:0"] {
            let listener = listen(at.parse().expect("an address")).expect("listens");
            let address = listener.local_addr().expect("bound");
            for connect in [TcpStream::connect::<SocketAddr>, connect_mptcp] {
                let Ok(mut near) = connect(address) else {
                    eprintln!("skipped: the kernel has no Multipath TCP");
                    continue;
                };
                let (mut far, _) = listener.accept().expect("accepts");
                near.write_all(b"there").expect("writes");
                let mut heard = [0; 5];
                far.read_exact(&mut heard).expect("reads");
                assert_eq!(&heard, b"there");
            }
        }
    }
}
