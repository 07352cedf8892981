//! `jvpn-lab flow`: one-way flows at a steady rate. Two flows, one in each direction, measure the gap that a user would
//! notice.

pub mod arrivals;
pub mod packet;
mod recv;
mod send;

pub use recv::{HELP as RECV_HELP, run as recv};
pub use send::{HELP as SEND_HELP, required_address, run as send};
