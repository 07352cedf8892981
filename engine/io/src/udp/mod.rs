//! UDP sockets of paths and of the gateway: batches in, segmented batches out.
//!
//! Sockets are never connected and take no ICMP errors: only local errors say anything about a path. Outer packets
//! carry DF and ignore the kernel's cached path MTU; a datagram that does not fit the link goes out alone without DF
//! and is fragmented, and one that does not fit the path is sent in fragments that do.

mod control;
mod fragments;
mod options;
mod receive;
mod send;
mod send_fragmented;
mod socket;

pub use receive::{DATAGRAM_MAX, MESSAGES_MAX, Message, RecvBatch};
pub use send::{BATCH_BYTES_MAX, SEGMENTS_MAX, SendError, SendFailure};
pub use socket::{Capabilities, UdpOptions, UdpSocket, probe};
