//! What only the client's end of a session does.

pub(super) mod attach;
mod candidates;
