//! What only the gateway's end of a session does.

mod answer;
mod assign;
mod attach;
pub(super) mod binding;
mod challenge;
pub(super) mod delivery;
pub(super) mod denials;
mod denied;
mod rebind;
mod switch;
