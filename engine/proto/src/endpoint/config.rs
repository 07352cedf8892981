//! Configuration of an endpoint.

use crate::crypto::keyfile::StaticKey;
use crate::messages::Role;
use crate::vocabulary::{Limits, Shard};

/// Everything on which both ends must agree is negotiated in the handshake.
#[derive(Debug)]
pub struct EndpointConfig {
    pub role: Role,
    pub identity: StaticKey,
    /// Number of a gateway's process, different for each start: it stands in the client's record.
    pub incarnation: u32,
    /// Inner MTU of the TUN device, bytes.
    pub mtu: u16,
    /// AES-256-GCM may be negotiated; otherwise only `ChaCha20-Poly1305`.
    pub allow_aes: bool,
    /// Redundant sending may be negotiated.
    pub allow_redundant: bool,
    pub limits: Limits,
    pub shard: Shard,
}
