//! Randomness and keys for tests.
#![allow(dead_code, reason = "each test program takes what it needs")]

pub mod forge;

use jvpn_proto::{
    keyfile::StaticKey,
    messages::Offer,
    wire::{CAP_PARTIAL_CHECKSUM, InitPayload, PQ_OFF, RespPayload, Standing, Suite},
};

/// Repeatable bytes that are different for each call.
pub fn noise(seed: u64) -> impl FnMut(&mut [u8]) {
    let mut state = seed;
    move |out| {
        for byte in out {
            // SplitMix64: good enough to make the keys of a test different.
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            *byte = (mixed >> 56) as u8;
        }
    }
}

pub fn key(seed: u64) -> StaticKey {
    StaticKey::generate(&mut noise(seed))
}

/// The private half of `key(seed)`.
pub fn secret(seed: u64) -> [u8; 32] {
    let mut private = [0; 32];
    noise(seed)(&mut private);
    private
}

pub fn offered() -> InitPayload {
    InitPayload {
        proto_min: 1,
        proto_max: 1,
        suites: Suite::ChaCha20Poly1305.bit() | Suite::Aes256Gcm.bit(),
        pq_modes: PQ_OFF,
        max_paths: 8,
        policy_digest: [0; 16],
        capabilities: CAP_PARTIAL_CHECKSUM,
        about: [0; 16],
    }
}

pub fn granted() -> RespPayload {
    RespPayload {
        session_id: [0xa0; 16],
        locator: [0xb0; 16],
        owner_epoch: 7,
        incarnation: 0xdead_beef,
        proto: 1,
        suite: Suite::ChaCha20Poly1305,
        pq_mode: PQ_OFF,
        max_paths: 8,
        offer: Offer {
            lifetime_s: 86_400,
            transport_lost_ttl_ms: 120_000,
            degraded_max_ms: 30_000,
            keepalive_ms: 25_000,
            redundant: false,
            liveness_ms: 50,
            switches_per_min: 30,
            cooldown_ms: 1_000,
            recoveries_per_min: 10,
            mtu: 1_420,
            policy_version: 9,
            policy_digest: "0123456789abcdef".into(),
        },
        capabilities: 1,
        standing: Standing::NotAsked,
    }
}
