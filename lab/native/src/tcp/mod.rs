//! `jvpn-lab tcp`: real TCP transfers whose bytes are hashed at both ends. They live through any stall that TCP itself
//! lives through; only after minutes without a byte does an end give up, so that nothing waits for ever.

mod client;
mod serve;
mod stalls;
mod transfer;
mod wire;

use crate::fault::Fault;
use std::io;
use std::net::TcpStream;
use std::time::Duration;

pub use client::HELP as CLIENT_HELP;
pub use serve::{HELP as SERVE_HELP, run as serve};

/// Without progress for this long an end gives up. Never below two minutes: stalls are what the lab makes.
const IDLE_SECONDS: u64 = 600;
const IDLE_SECONDS_MIN: u64 = 120;
const IDLE_SECONDS_MAX: u64 = 86_400;

pub fn fetch(words: &[String]) -> Result<(), Fault> {
    client::run(wire::Mode::Fetch, words)
}

pub fn push(words: &[String]) -> Result<(), Fault> {
    client::run(wire::Mode::Push, words)
}

fn configure(stream: &TcpStream, idle_seconds: u64) -> io::Result<()> {
    let idle = Some(Duration::from_secs(idle_seconds));
    stream.set_nodelay(true)?;
    stream.set_read_timeout(idle)?;
    stream.set_write_timeout(idle)
}
