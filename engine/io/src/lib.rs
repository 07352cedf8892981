//! Devices, sockets and threads around the sans-IO endpoint of `jvpn-proto`. This is the only crate with `unsafe`; each
//! block has a SAFETY note.

pub mod checksum;
mod dispatch;
mod engine;
pub mod fault;
pub mod identity;
pub mod names;
pub mod netlink;
pub mod offload;
pub mod queue;
pub mod steering;
pub mod sys;
pub mod systemd;
pub mod tun;
pub mod udp;
mod worker;

pub use engine::Engine;
pub use fault::{Blame, StartError};
