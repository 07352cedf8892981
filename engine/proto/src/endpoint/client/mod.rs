//! What only a client's endpoint has.

pub(super) mod dial;
