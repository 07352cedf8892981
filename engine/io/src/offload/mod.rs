//! Cuts superframes of a TUN with virtio headers into packets, and merges packets into superframes.
//!
//! ```text
//!   TUN read ─► virtio header ‖ headers ‖ up to 64 KiB ─► split ─► (head, body) (head, body) …  ─► seal
//!   open ─► packet packet packet … ─► Burst (one a batch) ─► virtio header ‖ head ‖ body ‖ body … ─► TUN writev
//! ```
//!
//! Nothing here copies a payload, allocates per packet or trusts `hdr_len`: headers are parsed.
#![forbid(unsafe_code)]

mod coalesce;
mod headers;
mod merge;
mod mss;
mod split;
#[cfg(test)]
mod tests;
mod too_big;
mod virtio;
mod write;

pub use coalesce::{Burst, Coalescer, Flushed, FrameSink, PACKETS_MAX};
pub use headers::{Malformed, destination, source};
pub use mss::{clamp_mss, may_begin};
pub use split::{Segment, Segments, split, whole};
pub use too_big::{TOO_BIG_MAX, too_big};
pub use virtio::{FRAME_MAX, VIRTIO_LEN};
pub use write::WriteOffload;
