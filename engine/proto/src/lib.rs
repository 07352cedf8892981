//! The wire and the session's packet state, sans-IO: no clock, no sockets, no unsafe. Time, addresses and randomness are arguments.
#![forbid(unsafe_code)]

pub mod blame;
mod closing;
mod codec;
mod dial;
pub mod endpoint;
mod epochs;
pub mod frames;
pub mod handshake;
mod hash;
mod hints;
mod hold;
mod indices;
mod journal;
pub mod keyfile;
pub mod keys;
mod liveness;
pub mod messages;
mod outbox;
mod path;
mod path_mtu;
mod probes;
mod rebinding;
mod recent;
mod reception;
pub mod replay;
mod rng;
mod rtt;
mod session;
mod shared;
mod timers;
#[cfg(test)]
mod vectors;
pub mod wire;
#[cfg(test)]
#[path = "../tests/world/mod.rs"]
mod world;
mod x25519;

// The world of the tests names this crate as any user does.
#[cfg(test)]
extern crate self as jvpn_proto;

/// Fills a buffer with random bytes of a CSPRNG.
pub type Fill<'a> = &'a mut dyn FnMut(&mut [u8]);
