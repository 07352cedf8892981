//! `jvpn-lab echo serve`: sends back what it receives, on one port for UDP and TCP.

use super::stream;
use crate::args::Args;
use crate::clock::{self, BootUs};
use crate::control::{self, Input, Lines};
use crate::fault::{Attempt, Fault};
use crate::flow::required_address;
use crate::sys;
use serde::Serialize;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

pub const HELP: &str = "\
jvpn-lab echo serve: sends back what it receives over UDP, TCP and Multipath TCP, on one port

  --bind ADDR:PORT    listen address
  --netns NAME        run in this network namespace

At most 64 connections at once; more are closed. Ends when stdin closes.
";

const VALUED: &[&str] = &["bind", "netns"];
const CONNECTIONS_MAX: u32 = 64;
const BUFFER_BYTES: usize = 65_536;
static CONNECTIONS: AtomicU32 = AtomicU32::new(0);

#[derive(Debug, Serialize)]
struct Ready {
    ok: bool,
    op: &'static str,
    boot_us: BootUs,
    bind: SocketAddr,
}

pub fn run(words: &[String]) -> Result<(), Fault> {
    let args = Args::parse("echo serve", words, VALUED, &[])?;
    let bind = required_address(&args, "bind")?;
    args.text("netns").map(crate::netns::enter).transpose()?;
    let (what, to_do) = (
        format!("cannot bind {bind}"),
        "check `ip address` and `ss -ln`",
    );
    let listener = stream::listen(bind).attempt(what.clone(), to_do)?;
    let bind = listener.local_addr().attempt(what.clone(), to_do)?;
    let socket = UdpSocket::bind(bind).attempt(what, to_do)?;
    thread::spawn(move || echo_packets(&socket));
    thread::spawn(move || accept(&listener));
    control::say(&Ready {
        ok: true,
        op: "ready",
        boot_us: clock::boot_us(),
        bind,
    });
    let mut lines = Lines::default();
    while let Ok(input @ (Input::Line(_) | Input::TooLong)) = lines.wait() {
        drop(input);
        control::say_refused("echo serve has no commands");
    }
    Ok(())
}

fn echo_packets(socket: &UdpSocket) {
    sys::run_ahead();
    let mut packet = vec![0; BUFFER_BYTES];
    loop {
        // An error concerns one packet, such as an unreachable sender; the loop continues.
        if let Ok((len, from)) = socket.recv_from(&mut packet) {
            let _lost = socket.send_to(&packet[..len], from);
        }
    }
}

fn accept(listener: &TcpListener) {
    for connection in listener.incoming().flatten() {
        if CONNECTIONS.fetch_add(1, Ordering::Relaxed) >= CONNECTIONS_MAX {
            CONNECTIONS.fetch_sub(1, Ordering::Relaxed);
            continue;
        }
        thread::spawn(move || {
            sys::run_ahead();
            echo_bytes(connection);
            CONNECTIONS.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

/// Runs until the connection ends for any reason.
fn echo_bytes(mut connection: TcpStream) {
    let _slower = connection.set_nodelay(true);
    let mut bytes = vec![0; BUFFER_BYTES];
    while let Ok(len @ 1..) = connection.read(&mut bytes) {
        if connection.write_all(&bytes[..len]).is_err() {
            return;
        }
    }
}
