//! What only a gateway's endpoint has.

mod commands;
pub(super) mod hints;
pub(super) mod reception;
