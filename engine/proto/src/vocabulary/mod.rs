//! Words that all floors share: where datagrams go, which sessions are whose, what a sender may do. It imports nothing
//! but messages.

pub mod blame;
mod declined;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use crate::messages::{PathId, SessionHandle};
use crate::vocabulary::blame::DropKind;

pub use declined::Declined;

/// Fills a buffer with random bytes of a CSPRNG.
pub type Fill<'a> = &'a mut dyn FnMut(&mut [u8]);

/// Bytes that may go to an unvalidated address for each authenticated byte from it (RFC 9000, section 8).
pub(crate) const AMPLIFICATION_MAX: u64 = 3;
/// Header and tag of DATA.
pub(crate) const DATA_OVERHEAD: u16 = 32;

/// IP and UDP headers.
pub(crate) fn headers(v6: bool) -> u16 {
    if v6 { 48 } else { 28 }
}

/// Client: the path id, because every path has its own socket. Gateway: index of the listening socket.
pub type SocketId = u32;

/// Where an outer datagram came from, or goes to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Route {
    pub socket: SocketId,
    /// Gateway: the local address that was reached (`IP_PKTINFO`), so that answers leave from it. Client: `None`.
    pub local: Option<IpAddr>,
    pub remote: SocketAddr,
}

/// The sessions of one endpoint among those of all endpoints of a gateway, which know nothing of each other. What names
/// a session tells its endpoint: a handle `h` belongs to number `h % of`, a receiver index to the number `b % of` of
/// its lowest byte `b`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// 0 … `of` − 1.
    pub number: u8,
    pub of: u8,
}

impl Shard {
    /// One endpoint has all sessions.
    pub const WHOLE: Self = Self { number: 0, of: 1 };

    /// Its smallest handle; 0 is none.
    pub(crate) fn first_handle(self) -> SessionHandle {
        SessionHandle::from(if self.number == 0 { self.of } else { self.number })
    }

    pub(crate) fn owns(self, handle: SessionHandle) -> bool {
        handle % SessionHandle::from(self.of) == SessionHandle::from(self.number)
    }

    /// After the largest the smallest comes again.
    pub(crate) fn next_handle(self, handle: SessionHandle) -> SessionHandle {
        handle.checked_add(self.of.into()).unwrap_or_else(|| self.first_handle())
    }

    /// The index with its lowest byte moved into this shard, within its group of `of` bytes; `None` in the last group,
    /// where that is cut off.
    pub(crate) fn own(self, index: u32) -> Option<u32> {
        let [low, rest @ ..] = index.to_le_bytes();
        let low = (low - low % self.of).checked_add(self.number)?;
        Some(u32::from_le_bytes([low, rest[0], rest[1], rest[2]]))
    }

    pub(crate) fn has(self, index: u32) -> bool {
        index.to_le_bytes()[0] % self.of == self.number
    }
}

/// Limits of keys and of unauthenticated work. Tests lower them; a deployment only the rekey values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Age of a key at which the client starts a rekey (and the gateway asks for one), µs.
    pub rekey_after_us: u64,
    /// Age at which a key carries no inner packet any more, µs.
    pub reject_after_us: u64,
    /// Sealed packets until a rekey; twice as many is the hard limit.
    pub rekey_after_packets: u64,
    /// Failed opens until a rekey; four times as many retire the key.
    pub rekey_after_failed_opens: u64,
    /// INITs per second that a gateway answers without asking for a cookie.
    pub inits_per_s: u32,
}

impl Default for Limits {
    /// Source: docs/spec/wire.md, "Keys".
    fn default() -> Self {
        Self {
            rekey_after_us: 120_000_000,
            reject_after_us: 180_000_000,
            rekey_after_packets: 1 << 27,
            rekey_after_failed_opens: 1 << 34,
            inits_per_s: 1_000,
        }
    }
}

/// Verdict on one outer datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// `range` of the datagram holds one authenticated inner IP packet.
    Inner {
        session: SessionHandle,
        range: Range<usize>,
        /// The inner checksum covers the pseudo-header only and must be completed (or handed on as such).
        csum_partial: bool,
    },
    /// Handshake or frames: nothing for the TUN.
    Consumed,
    /// Counted already; the kind is for the caller's own statistics.
    Dropped(DropKind),
}

/// Copies of one message: on the companion of redundant mode, and where the peer of either path may be now.
pub const COPIES_MAX: usize = 3;

/// Where the inner packets of a session go at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendRoute {
    pub route: Route,
    pub path: PathId,
    /// Bytes of outer payload that may still go to an address that is not validated; `None` = validated, no budget.
    pub budget: Option<u64>,
    /// Send the identical ciphertext there too.
    pub copies: [Option<DuplicateRoute>; COPIES_MAX],
    /// The path is in doubt and there is no second one: a copy of what is sent goes to `Endpoint::keep_copy`.
    pub keep: bool,
    /// The longest inner packet that leaves whole; longer ones are cut, refused to their sender, or fragmented outside.
    pub packet_max: u16,
    /// That is the result of a finished search, which senders inside may be told.
    pub settled: bool,
    /// The peer takes inner packets with a partial checksum.
    pub elides_checksums: bool,
}

impl SendRoute {
    /// The outer packet around the longest inner one, over a route.
    pub fn outer_max(&self, route: Route) -> u16 {
        self.packet_max.saturating_add(DATA_OVERHEAD + headers(route.remote.is_ipv6()))
    }
}

/// Another way for the same ciphertext: only bytes 4..8 (the receiver index, little-endian) of each message differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DuplicateRoute {
    pub route: Route,
    pub path: PathId,
    pub index: u32,
    /// Bytes of outer payload that may still be copied.
    pub budget: u64,
    pub purpose: CopyPurpose,
}

/// Why the same ciphertext goes out again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyPurpose {
    /// The send path is in doubt.
    Suspicion,
    /// The peer's address may have changed.
    Rebinding,
    /// The session sends everything on two paths.
    Redundant,
}

/// A control datagram that wants to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmit {
    pub route: Route,
    pub data: Vec<u8>,
    /// It leaves whole or not at all: where it does not fit, `Endpoint::too_big` hears of it.
    pub whole: Option<SizedFor>,
}

/// The path whose size a datagram asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizedFor {
    pub session: SessionHandle,
    pub path: PathId,
}

/// A sealed CLOSE for each path on which it goes out, and everything that is released with the session.
#[derive(Debug)]
pub(crate) struct Farewell {
    pub(crate) copies: Vec<(Route, Vec<u8>)>,
    pub(crate) pto_us: u64,
    pub(crate) indices: Vec<u32>,
}

/// Why an inner packet was not sealed. The packet is dropped and counted, or held, by the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealError {
    UnknownSession,
    /// Not accepted (gateway) or not acknowledged (client) yet.
    NotReady,
    /// The key is past its hard age or limit: a rekey must come first.
    KeyExpired,
    /// There is no path to send on.
    NoPath,
    /// `out` is shorter than header, packet and tag.
    BufferTooSmall,
    /// The peer takes no partial checksum.
    PartialChecksum,
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownSession => "unknown_session",
            Self::NotReady => "session_not_ready",
            Self::KeyExpired => "key_expired",
            Self::NoPath => "no_path",
            Self::BufferTooSmall => "buffer_too_small",
            Self::PartialChecksum => "partial_checksum",
        })
    }
}

impl std::error::Error for SealError {}
