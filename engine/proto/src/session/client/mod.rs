//! The client's side of a session.

mod assign;
mod attach;
pub(super) mod attempt;
mod candidates;
mod switch;
