//! Keys: how they are made, stored, agreed on, replaced and used. Randomness is an argument.

pub(crate) mod epochs;
pub(crate) mod hash;
pub mod keyfile;
pub mod keys;
pub mod replay;
pub(crate) mod rng;
pub(crate) mod token;
#[cfg(test)]
pub(crate) mod vectors;
pub(crate) mod x25519;
