//! How an endpoint is set up.

use crate::crypto::keyfile::StaticKey;
use crate::messages::Role;
use crate::vocabulary::{Limits, Shard};

/// How an endpoint is set up. Everything a peer must agree to is negotiated in the handshake.
#[derive(Debug)]
pub struct EndpointConfig {
    pub role: Role,
    pub identity: StaticKey,
    /// Differs between two runs of one gateway: the client learns from it that its old session is lost.
    pub incarnation: u32,
    /// Inner MTU of the TUN device, bytes.
    pub mtu: u16,
    /// AES-256-GCM may be negotiated; else `ChaCha20-Poly1305` alone.
    pub allow_aes: bool,
    /// Redundant sending may be negotiated.
    pub allow_redundant: bool,
    pub limits: Limits,
    pub shard: Shard,
}
