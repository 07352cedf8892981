//! Traffic keys: how the two keys of an epoch are derived from a root, and how one DATA is sealed and opened.
//!
//! ```text
//!  handshake ──► root₀ ──mix(DH)──► root₁ ──mix(DH)──► root₂ …
//!                  │                  │
//!             epoch 0 keys       epoch 1 keys        one per direction, each with its own counter from 0
//! ```
//!
//! A key at rest is only its 32 bytes. The prepared cipher state is about 600 bytes: it is kept while the session
//! carries traffic. Otherwise it is prepared for each message, which costs half a microsecond.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::{
    crypto::hash::derive,
    messages::Role,
    wire::{DATA_AAD, TAG},
};
pub use crate::{
    crypto::x25519::{Ephemeral, LowOrder, SharedSecret},
    wire::Suite,
};

/// This counter is never sealed and never opened; it is far beyond every key's limit (2^48 at most).
pub const COUNTER_END: u64 = 1 << 60;

/// For benchmarks only: nothing is sealed, and every message is accepted.
pub const NULL_CIPHER: bool = cfg!(feature = "null-cipher");

const LABEL_ROOT: &[u8] = b"JV/1 root";
const LABEL_REKEY: &[u8] = b"JV/1 rekey";
const LABEL_TO_GATEWAY: &[u8] = b"JV/1 data client to gateway";
const LABEL_TO_CLIENT: &[u8] = b"JV/1 data gateway to client";

/// The secret of an epoch; its traffic keys and the next root are derived from it. Erased when dropped; never printed.
#[derive(Clone)]
pub struct Root(Zeroizing<[u8; 32]>);

impl Root {
    /// root₀, bound to the whole handshake and to the clear header of RESP.
    pub(crate) fn from_handshake(split: &[u8; 64], hash: &[u8; 32], resp_header: &[u8]) -> Self {
        Self(derive(hash, split, &[LABEL_ROOT, resp_header]))
    }

    /// The root of the next epoch. `transcript` is what both ends sent in this rekey; it is mixed in so that both ends
    /// agree on it.
    #[must_use]
    pub fn mix(&self, dh: &[u8], transcript: &[u8]) -> Self {
        Self(derive(&self.0, dh, &[LABEL_REKEY, transcript]))
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Root(…)")
    }
}

/// The two keys of an epoch for `role`: the key for sealing and the key for opening. Both are at rest.
pub fn epoch_keys(root: &Root, suite: Suite, role: Role) -> (SealKey, OpenKey) {
    let traffic = |label| TrafficKey { suite, secret: derive(&root.0, &[], &[label, &[suite as u8]]), ready: None };
    let (seal, open) = match role {
        Role::Client => (LABEL_TO_GATEWAY, LABEL_TO_CLIENT),
        Role::Gateway => (LABEL_TO_CLIENT, LABEL_TO_GATEWAY),
    };
    (SealKey(traffic(seal)), OpenKey(traffic(open)))
}

/// Nothing was sealed: the counter is at its end, or the buffer has no room for the tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealError;

/// Nothing was opened: the peer did not seal this under this key with this counter and header. The content of the body
/// is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenError;

/// Seals what this end sends in one epoch. The owner must use each counter only once.
pub struct SealKey(pub(crate) TrafficKey);

/// Opens what the peer sends in one epoch.
pub struct OpenKey(pub(crate) TrafficKey);

/// The common part of both: a secret, and the cipher prepared from it.
pub(crate) struct TrafficKey {
    suite: Suite,
    secret: Zeroizing<[u8; 32]>,
    /// What the cipher prepares from the secret; `None` = at rest.
    ready: Option<LessSafeKey>,
}

impl TrafficKey {
    /// Prepares the cipher: many messages will be sealed or opened.
    pub(crate) fn wake(&mut self) {
        self.ready.get_or_insert_with(|| less_safe(self.suite, &self.secret));
    }

    /// Drops the prepared cipher: from now on there are few messages.
    pub(crate) fn rest(&mut self) {
        self.ready = None;
    }

    #[cfg(test)]
    pub(crate) fn awake(&self) -> bool {
        self.ready.is_some()
    }

    #[inline]
    fn with<T>(&self, work: impl FnOnce(&LessSafeKey) -> T) -> T {
        match &self.ready {
            Some(key) => work(key),
            None => work(&less_safe(self.suite, &self.secret)),
        }
    }
}

impl SealKey {
    /// Seals `out[..len]` in place, appends the tag and returns `len + 16`.
    #[inline]
    pub fn seal(&self, counter: u64, aad: &[u8; DATA_AAD], out: &mut [u8], len: usize) -> Result<usize, SealError> {
        self.seal_with(counter, aad, out, len)
    }

    #[inline]
    fn seal_with(&self, counter: u64, aad: &[u8], out: &mut [u8], len: usize) -> Result<usize, SealError> {
        if counter >= COUNTER_END {
            return Err(SealError);
        }
        let (text, rest) = out.split_at_mut_checked(len).ok_or(SealError)?;
        let tag_at = rest.first_chunk_mut::<TAG>().ok_or(SealError)?;
        if NULL_CIPHER {
            tag_at.fill(0);
        } else {
            let seal = |key: &LessSafeKey| key.seal_in_place_separate_tag(nonce(counter), Aad::from(aad), text);
            tag_at.copy_from_slice(self.0.with(seal).map_err(|_| SealError)?.as_ref());
        }
        Ok(len + TAG)
    }
}

impl OpenKey {
    /// Opens ciphertext ‖ tag in place and returns the plaintext, the first part of `body`.
    #[inline]
    pub fn open<'a>(&self, counter: u64, aad: &[u8; DATA_AAD], body: &'a mut [u8]) -> Result<&'a mut [u8], OpenError> {
        self.open_with(counter, aad, body)
    }

    #[inline]
    fn open_with<'a>(&self, counter: u64, aad: &[u8], body: &'a mut [u8]) -> Result<&'a mut [u8], OpenError> {
        if counter >= COUNTER_END {
            return Err(OpenError);
        }
        if NULL_CIPHER {
            let len = body.len().checked_sub(TAG).ok_or(OpenError)?;
            return Ok(&mut body[..len]);
        }
        self.0.with(|key| key.open_in_place(nonce(counter), Aad::from(aad), body)).map_err(|_| OpenError)
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(…)")
    }
}

impl fmt::Debug for OpenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenKey(…)")
    }
}

fn less_safe(suite: Suite, key: &[u8; 32]) -> LessSafeKey {
    let algorithm = match suite {
        Suite::ChaCha20Poly1305 => &CHACHA20_POLY1305,
        Suite::Aes256Gcm => &AES_256_GCM,
    };
    LessSafeKey::new(UnboundKey::new(algorithm, key).expect("both suites have keys of 32 bytes"))
}

/// 4 zero bytes ‖ u64 counter (docs/spec/wire.md, "Keys").
#[inline]
fn nonce(counter: u64) -> Nonce {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&counter.to_le_bytes());
    Nonce::assume_unique_for_key(nonce)
}

#[cfg(test)]
mod tests;
