//! What only the gateway's end of a session does.

mod assign;
mod attach;
pub(super) mod binding;
pub(super) mod delivery;
mod rebind;
mod switch;
