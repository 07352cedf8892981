//! `jvpn-lab tcp`: real TCP transfers whose bytes are hashed at both ends. They survive every stall that TCP itself
//! survives. An end gives up only after minutes without a byte, so that nothing waits for ever.

mod client;
mod idle;
mod serve;
mod stalls;
mod transfer;
mod wire;

use crate::fault::Fault;

pub use client::HELP as CLIENT_HELP;
pub use serve::{HELP as SERVE_HELP, run as serve};

pub fn fetch(words: &[String]) -> Result<(), Fault> {
    client::run(wire::Mode::Fetch, words)
}

pub fn push(words: &[String]) -> Result<(), Fault> {
    client::run(wire::Mode::Push, words)
}
