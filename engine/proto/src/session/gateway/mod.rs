//! What only the gateway's end of a session does.

mod assign;
mod attach;
pub(super) mod binding;
pub(super) mod delivery;
mod denial_counts;
mod denials;
mod rebind;
mod switch;
