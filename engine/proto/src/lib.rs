//! The wire and the session's packet state, sans-IO: no clock, no sockets, no unsafe. Time, addresses and randomness
//! are arguments.
//!
//! A module imports from those below it, never from those above:
//!
//! ```text
//!   endpoint                     all sessions of one worker; client/ and gateway/ have what only one role does
//!   session                      one session, likewise
//!   liveness  path  shared       of one session, of one of its paths, of all sessions together
//!   handshake  frames  crypto    what is sealed, and how
//!   vocabulary  wire  messages   the words, the outer datagrams, what the core and the engine tell each other
//! ```
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
pub use vocabulary::{Fill, blame};
