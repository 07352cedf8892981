//! What only the client's end of a session does.

mod assign;
mod attach;
pub(super) mod attempt;
mod candidates;
mod switch;
