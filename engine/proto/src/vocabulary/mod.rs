//! Types that all modules above share: where datagrams go, which session belongs to which endpoint, what a sender may
//! do. It imports nothing but `messages`.

pub mod blame;
mod declined;
#[cfg(any(test, feature = "planted-panic"))]
pub mod planted;
mod session_id;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use crate::messages::{PathId, SessionHandle};
use crate::vocabulary::blame::DropKind;

pub use declined::Declined;
pub(crate) use declined::short;
pub(crate) use session_id::SessionId;

/// Fills a buffer with random bytes of a CSPRNG.
pub type Fill<'a> = &'a mut dyn FnMut(&mut [u8]);

/// Bytes that may be sent to an unvalidated address for each authenticated byte received from it (RFC 9000, section 8).
pub(crate) const AMPLIFICATION_MAX: u64 = 3;
/// Header and tag of DATA.
pub(crate) const DATA_OVERHEAD: u16 = 32;

/// Length of the IP and UDP headers.
pub(crate) fn headers(v6: bool) -> u16 {
    if v6 { 48 } else { 28 }
}

/// Client: the path id, because every path has its own socket. Gateway: index of the listening socket.
pub type SocketId = u32;

/// Where an outer datagram came from or goes to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Route {
    pub socket: SocketId,
    /// Gateway: the local address that the datagram was sent to (`IP_PKTINFO`), so that answers leave from it. Client:
    /// `None`.
    pub local: Option<IpAddr>,
    pub remote: SocketAddr,
}

/// The part of a gateway's sessions that one endpoint holds; the endpoints know nothing of each other. Handles and
/// indices name the endpoint: handle `h` belongs to number `h % of`; a receiver index with lowest byte `b` belongs to
/// number `b % of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// 0 … `of` − 1.
    pub number: u8,
    pub of: u8,
}

impl Shard {
    /// One endpoint holds all sessions.
    pub const WHOLE: Self = Self { number: 0, of: 1 };

    /// The smallest handle of this shard; 0 means none.
    pub(crate) fn first_handle(self) -> SessionHandle {
        SessionHandle::from(if self.number == 0 { self.of } else { self.number })
    }

    pub(crate) fn owns(self, handle: SessionHandle) -> bool {
        handle % SessionHandle::from(self.of) == SessionHandle::from(self.number)
    }

    /// The next handle of this shard. After the largest handle the smallest one follows.
    pub(crate) fn next_handle(self, handle: SessionHandle) -> SessionHandle {
        handle.checked_add(self.of.into()).unwrap_or_else(|| self.first_handle())
    }

    /// `index` with its lowest byte moved into this shard, within its group of `of` bytes. `None` if the last group is
    /// cut off before that byte.
    pub(crate) fn own(self, index: u32) -> Option<u32> {
        let [low, rest @ ..] = index.to_le_bytes();
        let low = (low - low % self.of).checked_add(self.number)?;
        Some(u32::from_le_bytes([low, rest[0], rest[1], rest[2]]))
    }

    pub(crate) fn has(self, index: u32) -> bool {
        index.to_le_bytes()[0] % self.of == self.number
    }
}

/// Limits of keys and of unauthenticated work. Tests lower all of them; a deployment lowers only the rekey values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Age of a key at which the client starts a rekey (and the gateway asks for one), µs.
    pub rekey_after_us: u64,
    /// Age at which a key may not carry inner packets any more, µs.
    pub reject_after_us: u64,
    /// Sealed packets until a rekey; twice as many is the hard limit.
    pub rekey_after_packets: u64,
    /// Failed opens until a rekey; the key is retired after four times as many.
    pub rekey_after_failed_opens: u64,
    /// INITs per second that a gateway answers without a cookie.
    pub inits_per_s: u32,
}

/// Packets until a rekey, at most.
const PACKETS_MAX: u64 = 1 << 27;
/// Blocks of 16 bytes until a rekey, at most: `PACKETS_MAX` messages of 2 KiB. AES-GCM counts blocks: with twice as
/// many, at the hard limit, an attacker tells its output from random bytes with a probability of (2^35)² ÷ 2^129.
pub const BLOCKS_MAX: u64 = 1 << 34;

impl Limits {
    /// The largest `rekey_after_packets` for inner packets of at most `mtu` bytes.
    pub fn packets_max(mtu: u16) -> u64 {
        let blocks = u64::from(mtu).div_ceil(16) + 1;
        PACKETS_MAX.min(BLOCKS_MAX / blocks)
    }
}

impl Default for Limits {
    /// Source: docs/spec/wire.md, "Keys".
    fn default() -> Self {
        Self {
            rekey_after_us: 120_000_000,
            reject_after_us: 180_000_000,
            rekey_after_packets: PACKETS_MAX,
            rekey_after_failed_opens: 1 << 34,
            inits_per_s: 1_000,
        }
    }
}

/// Result for one outer datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// `range` of the datagram holds one authenticated inner IP packet.
    Inner {
        session: SessionHandle,
        range: Range<usize>,
        /// The inner checksum covers the pseudo-header only. It must be completed or passed on as partial.
        csum_partial: bool,
    },
    /// Handshake or frames: nothing to write to the TUN device.
    Consumed,
    /// Already counted; the kind is for the caller's own statistics.
    Dropped(DropKind),
}

/// Maximum number of copies of one message: one on the companion path of redundant mode, the others to possible new
/// addresses of the peer.
pub const COPIES_MAX: usize = 3;

/// Where the inner packets of a session are sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendRoute {
    pub route: Route,
    pub path: PathId,
    /// Bytes of outer payload that may still be sent to an unvalidated address; `None` = validated, no limit.
    pub budget: Option<u64>,
    /// The identical ciphertext is sent there too.
    pub copies: [Option<DuplicateRoute>; COPIES_MAX],
    /// The path is in doubt and there is no second one: the caller gives a copy of each packet to
    /// `Endpoint::keep_copy`.
    pub keep: bool,
    /// The longest inner packet that is sent whole. Longer ones are segmented, refused to their sender, or fragmented
    /// outside.
    pub packet_max: u16,
    /// `packet_max` is the result of a finished search, so senders inside may be informed of it.
    pub settled: bool,
    /// The peer accepts inner packets with a partial checksum.
    pub elides_checksums: bool,
}

impl SendRoute {
    /// Length of the outer packet around the longest inner packet on a route.
    pub fn outer_max(&self, route: Route) -> u16 {
        self.packet_max.saturating_add(DATA_OVERHEAD + headers(route.remote.is_ipv6()))
    }
}

/// A second route for the same ciphertext: only bytes 4..8 of each message differ (the receiver index, little-endian).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DuplicateRoute {
    pub route: Route,
    pub path: PathId,
    pub index: u32,
    /// Bytes of outer payload that may still be copied.
    pub budget: u64,
    pub purpose: CopyPurpose,
}

/// Why the same ciphertext is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyPurpose {
    /// The send path is in doubt.
    Suspicion,
    /// The peer's address may have changed.
    Rebinding,
    /// The session sends everything on two paths.
    Redundant,
}

/// A control datagram to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmit {
    pub route: Route,
    pub data: Vec<u8>,
    /// Never fragmented: if the datagram is too long for the link, the caller calls `Endpoint::too_big`.
    pub whole: Option<SizedFor>,
}

/// The path whose packet size a datagram probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizedFor {
    pub session: SessionHandle,
    pub path: PathId,
}

/// A sealed CLOSE for each path on which it is sent, and the indices under which its peer may still send.
#[derive(Debug)]
pub(crate) struct Farewell {
    pub(crate) copies: Vec<(Route, Vec<u8>)>,
    pub(crate) pto_us: u64,
    pub(crate) indices: Vec<u32>,
}

/// Why an inner packet was not sealed. The caller drops and counts it, or holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealError {
    UnknownSession,
    /// Not accepted yet (gateway), or not acknowledged yet (client).
    NotReady,
    /// The key has passed its hard age or limit: a rekey must come first.
    KeyExpired,
    /// There is no path to send on.
    NoPath,
    /// `out` is shorter than header, packet and tag.
    BufferTooSmall,
    /// The peer does not accept a partial checksum.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_packets_bring_a_key_to_its_limit_sooner() {
        let packets = [1_280, 2_032, 2_033, 9_000, u16::MAX].map(Limits::packets_max);
        assert_eq!(packets, [1 << 27, 1 << 27, 133_177_280, 30_460_760, 4_193_280]);
        assert!(packets[3] * (9_000 / 16 + 2) <= 1 << 34);
    }
}
