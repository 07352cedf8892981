//! The wire and the session's packet state, sans-IO: no clock, no sockets, no unsafe. Time, addresses and randomness are arguments.
#![forbid(unsafe_code)]

mod codec;
pub mod frames;
pub mod handshake;
mod hash;
pub mod keyfile;
pub mod keys;
pub mod messages;
pub mod replay;
#[cfg(test)]
mod vectors;
pub mod wire;
mod x25519;

/// Fills a buffer with random bytes of a CSPRNG.
pub type Fill<'a> = &'a mut dyn FnMut(&mut [u8]);
