//! The wire and the session's packet state, sans-IO: no clock, no sockets, no unsafe. Time, addresses and randomness are arguments.
#![forbid(unsafe_code)]

mod crypto;
pub mod endpoint;
pub mod frames;
pub mod handshake;
mod liveness;
pub mod messages;
mod path;
mod session;
mod shared;
mod vocabulary;
pub mod wire;
#[cfg(test)]
#[path = "../tests/world/mod.rs"]
mod world;

// The world of the tests names this crate as any user does.
#[cfg(test)]
extern crate self as jvpn_proto;

pub use crypto::{keyfile, keys, replay};
pub use vocabulary::Fill;
