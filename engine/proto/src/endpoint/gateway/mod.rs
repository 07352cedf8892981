//! The gateway's side of an endpoint.

mod commands;
pub(super) mod hints;
pub(super) mod reception;
