//! What only a client's endpoint has.

mod commands;
pub(super) mod dial;
