//! UDP sockets of paths and of the gateway, with batched receiving and segmented sending.
//!
//! Sockets are never connected and accept no ICMP errors: only local errors count as path errors. Outer packets have DF
//! set and ignore the kernel's cached path MTU. A datagram that does not fit the link is sent without DF and gets
//! fragmented. A datagram that does not fit the path is sent as fragments that do.

mod control;
mod fragments;
mod options;
mod receive;
mod send;
mod send_fragmented;
mod socket;

pub use receive::{DATAGRAM_MAX, MESSAGES_MAX, Message, RecvBatch};
pub use send::{BATCH_BYTES_MAX, SEGMENTS_MAX, SendError, SendFailure};
pub use socket::{Capabilities, Listening, UdpOptions, UdpSocket, probe};
