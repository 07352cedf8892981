//! Wire format and packet state of the sessions. Sans-IO: no clock, no sockets, no unsafe. Time, addresses and
//! randomness are arguments.
//!
//! A module imports from those below it, never from those above:
//!
//! ```text
//!   endpoint                     all sessions of one worker; client/ and gateway/ hold what only one role does
//!   session                      one session, likewise
//!   liveness  path  shared       one session's liveness, one path's state, what all sessions share
//!   handshake  frames  crypto    the sealed content, and how it is sealed
//!   vocabulary  wire  messages   shared types, outer datagrams, messages between core and engine
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

// The test world names this crate as any user does.
#[cfg(test)]
extern crate self as jvpn_proto;

pub use crypto::{keyfile, keys, replay};
#[cfg(feature = "planted-panic")]
pub use vocabulary::planted;
pub use vocabulary::{Fill, blame};
