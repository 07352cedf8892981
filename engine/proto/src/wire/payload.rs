//! The sealed payloads of INIT and RESP. Source: docs/spec/wire.md, "Datagrams".

use std::fmt;

use super::standing::{STANDING_LEN, Standing};
use crate::{
    messages::Offer,
    wire::codec::{Field, Malformed, byte_enum, decode_whole, layout},
};

/// Length of INIT's payload in plaintext.
pub const INIT_PAYLOAD_LEN: usize = 96;
/// Length of RESP's payload in plaintext: 88 bytes of terms, 4 of accepted capabilities, 4 of the session index that it
/// binds, and the standing of the session that INIT asks about.
pub const RESP_PAYLOAD_LEN: usize = 96 + STANDING_LEN;

/// The inner L4 checksum may be left partial (flag b1 of DATA).
pub const CAP_PARTIAL_CHECKSUM: u64 = 1;
/// Every inner packet may be sent on two paths. If granted, the session sends that way: `Offer::redundant`.
pub const CAP_REDUNDANT: u64 = 1 << 1;
/// The client answers a `SWITCH_REQUEST` that it does not follow with `SWITCH_DENY`.
pub const CAP_SWITCH_DENY: u64 = 1 << 2;

/// `pq_modes`: no post-quantum exchange. The only mode of this protocol version.
pub const PQ_OFF: u8 = 1;

byte_enum! {
    /// Cipher of DATA. The mandatory one is `ChaCha20Poly1305`.
    pub enum Suite {
        ChaCha20Poly1305 = 1,
        /// Preferred if both ends have hardware support for it.
        Aes256Gcm = 2,
    }
}

impl Suite {
    /// The suite's bit in [`InitPayload::suites`].
    pub const fn bit(self) -> u16 {
        1 << (self as u8 - 1)
    }
}

/// What the client offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitPayload {
    pub proto_min: u8,
    pub proto_max: u8,
    /// Bit set of [`Suite::bit`].
    pub suites: u16,
    /// Bit set; [`PQ_OFF`].
    pub pq_modes: u8,
    pub max_paths: u8,
    /// Digest of the policy that the client holds; zeros = none.
    pub policy_digest: [u8; 16],
    /// Bit set of [`CAP_PARTIAL_CHECKSUM`], [`CAP_REDUNDANT`] and [`CAP_SWITCH_DENY`]. Unknown bits are ignored, so
    /// that a newer client may offer more.
    pub capabilities: u64,
    /// The session that the client holds and wants to know about; zeros = none.
    pub about: [u8; 16],
}

/// What the gateway grants; binding for both ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RespPayload {
    pub session_id: [u8; 16],
    pub locator: [u8; 16],
    pub owner_epoch: u64,
    /// Number of the gateway's process: different for each start.
    pub incarnation: u32,
    pub proto: u8,
    pub suite: Suite,
    /// One of the offered modes; [`PQ_OFF`].
    pub pq_mode: u8,
    pub max_paths: u8,
    /// `redundant` is sent as a capability.
    pub offer: Offer,
    /// The offered capabilities that are granted.
    pub capabilities: u32,
    /// The answer to [`InitPayload::about`].
    pub standing: Standing,
}

/// Why a payload cannot be written or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadError {
    /// The offer's policy digest is not 16 hexadecimal digits.
    PolicyDigest,
    Malformed(Malformed),
}

impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PolicyDigest => f.write_str("the policy digest is not 16 hexadecimal digits"),
            Self::Malformed(why) => write!(f, "payload of a handshake message: {why:?}"),
        }
    }
}

impl std::error::Error for PayloadError {}

impl From<Malformed> for PayloadError {
    fn from(why: Malformed) -> Self {
        Self::Malformed(why)
    }
}

layout! {
    pub struct InitFields {
        pub proto_min: u8,
        pub proto_max: u8,
        pub suites: u16,
        pub pq_modes: u8,
        pub max_paths: u8,
        pub reserved: u16,
        pub random: [u8; 32],
        pub policy_digest: [u8; 16],
        pub capabilities: u64,
        pub about: [u8; 16],
        pub tail: [u8; 16],
    }
}

layout! {
    pub struct RespFields {
        pub session_id: [u8; 16],
        pub locator: [u8; 16],
        pub owner_epoch: u64,
        pub incarnation: u32,
        pub proto: u8,
        pub suite: Suite,
        pub pq_mode: u8,
        pub max_paths: u8,
        pub lifetime_s: u32,
        pub transport_lost_ttl_ms: u32,
        pub degraded_max_ms: u32,
        pub keepalive_ms: u16,
        pub liveness_ms: u16,
        pub switches_per_min: u16,
        pub cooldown_ms: u16,
        pub recoveries_per_min: u16,
        pub mtu: u16,
        pub policy_version: u64,
        pub policy_digest: [u8; 8],
        pub capabilities: u32,
        pub session_index: u32,
        pub standing: Standing,
    }
}

impl InitPayload {
    /// `random` makes each INIT different even if its ephemeral key were repeated.
    pub(crate) fn encode(&self, random: [u8; 32]) -> Vec<u8> {
        let fields = InitFields {
            proto_min: self.proto_min,
            proto_max: self.proto_max,
            suites: self.suites,
            pq_modes: self.pq_modes,
            max_paths: self.max_paths,
            reserved: 0,
            random,
            policy_digest: self.policy_digest,
            capabilities: self.capabilities,
            about: self.about,
            tail: [0; 16],
        };
        encoded(&fields, INIT_PAYLOAD_LEN)
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, PayloadError> {
        let fields: InitFields = decode_whole(bytes)?;
        if fields.proto_min > fields.proto_max {
            return Err(Malformed::Value("proto").into());
        }
        Ok(Self {
            proto_min: fields.proto_min,
            proto_max: fields.proto_max,
            suites: fields.suites,
            pq_modes: fields.pq_modes,
            max_paths: fields.max_paths,
            policy_digest: fields.policy_digest,
            capabilities: fields.capabilities,
            about: fields.about,
        })
    }
}

impl RespPayload {
    /// The clear header carries the session index too; the sealed copy shows at once if the header was changed.
    pub(crate) fn encode(&self, session_index: u32) -> Result<Vec<u8>, PayloadError> {
        let offer = &self.offer;
        let fields = RespFields {
            session_id: self.session_id,
            locator: self.locator,
            owner_epoch: self.owner_epoch,
            incarnation: self.incarnation,
            proto: self.proto,
            suite: self.suite,
            pq_mode: self.pq_mode,
            max_paths: self.max_paths,
            lifetime_s: offer.lifetime_s,
            transport_lost_ttl_ms: offer.transport_lost_ttl_ms,
            degraded_max_ms: offer.degraded_max_ms,
            keepalive_ms: offer.keepalive_ms,
            liveness_ms: offer.liveness_ms,
            switches_per_min: offer.switches_per_min,
            cooldown_ms: offer.cooldown_ms,
            recoveries_per_min: offer.recoveries_per_min,
            mtu: offer.mtu,
            policy_version: offer.policy_version,
            policy_digest: digest_from_hex(&offer.policy_digest)?,
            capabilities: self.capabilities,
            session_index,
            standing: self.standing,
        };
        Ok(encoded(&fields, RESP_PAYLOAD_LEN))
    }

    /// The payload, and the session index that it binds.
    pub fn decode(bytes: &[u8]) -> Result<(Self, u32), PayloadError> {
        let fields: RespFields = decode_whole(bytes)?;
        let offer = Offer {
            lifetime_s: fields.lifetime_s,
            transport_lost_ttl_ms: fields.transport_lost_ttl_ms,
            degraded_max_ms: fields.degraded_max_ms,
            keepalive_ms: fields.keepalive_ms,
            liveness_ms: fields.liveness_ms,
            switches_per_min: fields.switches_per_min,
            cooldown_ms: fields.cooldown_ms,
            recoveries_per_min: fields.recoveries_per_min,
            mtu: fields.mtu,
            redundant: u64::from(fields.capabilities) & CAP_REDUNDANT != 0,
            policy_version: fields.policy_version,
            policy_digest: format!("{:016x}", u64::from_be_bytes(fields.policy_digest)),
        };
        let payload = Self {
            session_id: fields.session_id,
            locator: fields.locator,
            owner_epoch: fields.owner_epoch,
            incarnation: fields.incarnation,
            proto: fields.proto,
            suite: fields.suite,
            pq_mode: fields.pq_mode,
            max_paths: fields.max_paths,
            offer,
            capabilities: fields.capabilities,
            standing: fields.standing,
        };
        Ok((payload, fields.session_index))
    }
}

fn encoded(fields: &impl Field, len: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(len);
    fields.put(&mut out);
    debug_assert_eq!(out.len(), len);
    out
}

fn digest_from_hex(text: &str) -> Result<[u8; 8], PayloadError> {
    // `from_str_radix` alone would accept a leading "+".
    if text.len() != 16 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(PayloadError::PolicyDigest);
    }
    u64::from_str_radix(text, 16).map(u64::to_be_bytes).map_err(|_| PayloadError::PolicyDigest)
}
