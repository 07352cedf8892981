//! What only the gateway's end of a session does.

pub(super) mod attach;
pub(super) mod delivery;
mod rebind;
