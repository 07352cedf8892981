//! The client's side of an endpoint.

mod commands;
pub(super) mod dial;
