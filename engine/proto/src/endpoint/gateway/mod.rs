//! What only a gateway's endpoint has.

pub(super) mod hints;
pub(super) mod reception;
