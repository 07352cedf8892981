//! The gateway's side of a session.

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
