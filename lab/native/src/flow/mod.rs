//! `jvpn-lab flow`: one-way flows at a steady pace. The gap that a person would notice is measured with two of them,
//! one in each direction.

pub mod arrivals;
pub mod packet;
mod recv;
mod send;

pub use recv::{HELP as RECV_HELP, run as recv};
pub use send::{HELP as SEND_HELP, required_address, run as send};
