//! The service manager's notification socket (`sd_notify`). Node has no datagram socket of the required kind.

use std::{
    env, io,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    },
};

/// Sends a state such as `READY=1` or `WATCHDOG=1`. Does nothing without `NOTIFY_SOCKET`.
pub fn notify(state: &str) -> io::Result<()> {
    match env::var("NOTIFY_SOCKET") {
        Ok(socket) => notify_at(&socket, state),
        Err(_) => Ok(()),
    }
}

/// `socket` is a path, or the name of an abstract socket after `@`.
fn notify_at(socket: &str, state: &str) -> io::Result<()> {
    let address = match socket.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(socket)?,
    };
    let sender = UnixDatagram::unbound()?;
    // If the service manager does not read, the tunnel must not block.
    sender.set_nonblocking(true)?;
    sender.send_to_addr(state.as_bytes(), &address).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_arrives_at_an_abstract_socket() -> io::Result<()> {
        let name = format!("jvpn-notify-test-{}", std::process::id());
        let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
        notify_at(&format!("@{name}"), "READY=1")?;
        let mut text = [0; 16];
        let length = manager.recv(&mut text)?;
        assert_eq!(&text[..length], b"READY=1");
        Ok(())
    }
}
