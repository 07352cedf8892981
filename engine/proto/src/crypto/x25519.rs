//! X25519 (RFC 7748). Every agreement refuses an all-zero result, which a peer's low-order point causes.

use std::fmt;

use aws_lc_rs::agreement::{self, PrivateKey, UnparsedPublicKey, X25519};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::vocabulary::Fill;

/// A shared secret, erased when dropped.
pub type SharedSecret = Zeroizing<[u8; 32]>;

/// The agreement failed: the peer's point has low order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LowOrder;

impl fmt::Display for LowOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the peer's X25519 key is a point of low order")
    }
}

impl std::error::Error for LowOrder {}

/// The u coordinates of all points of order 8 or less: 0, 1, two of order 8, and p − 1, p, p + 1, which are read as −1,
/// 0, 1. X25519 ignores the highest bit. Proved against the primitive in `crypto/keys/tests.rs`.
const LOW_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09,
        0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44,
        0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
    ],
    near_p(0xec),
    near_p(0xed),
    near_p(0xee),
];

/// The little-endian bytes of a number close to p = 2²⁵⁵ − 19; `lowest` is the lowest byte.
const fn near_p(lowest: u8) -> [u8; 32] {
    let mut bytes = [0xff; 32];
    bytes[0] = lowest;
    bytes[31] = 0x7f;
    bytes
}

/// No private key has this point as its public half, and every agreement with it gives zeros. For public keys only: not
/// constant in time.
pub(crate) fn is_low_order(point: &[u8; 32]) -> bool {
    let mut read = *point;
    read[31] &= 0x7f;
    LOW_ORDER.contains(&read)
}

/// A private key that is used only in this process, for one handshake or one rekey.
pub struct Ephemeral {
    key: PrivateKey,
    public: [u8; 32],
}

impl Ephemeral {
    pub fn generate(fill: Fill<'_>) -> Self {
        let mut private = Zeroizing::new([0; 32]);
        fill(private.as_mut());
        Self::from_private(&private)
    }

    pub(crate) fn from_private(private: &[u8; 32]) -> Self {
        let key = PrivateKey::from_private_key(&X25519, private).expect("any 32 bytes are an X25519 private key");
        let mut public = [0; 32];
        public.copy_from_slice(key.compute_public_key().expect("an X25519 key has a public half").as_ref());
        Self { key, public }
    }

    pub fn public(&self) -> &[u8; 32] {
        &self.public
    }

    pub fn agree(&self, peer: &[u8; 32]) -> Result<SharedSecret, LowOrder> {
        agreement::agree(&self.key, UnparsedPublicKey::new(&X25519, peer), LowOrder, |secret| {
            let mut shared = Zeroizing::new([0; 32]);
            shared.copy_from_slice(secret);
            if bool::from(shared.ct_eq(&[0; 32])) { Err(LowOrder) } else { Ok(shared) }
        })
    }
}

impl fmt::Debug for Ephemeral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ephemeral").finish_non_exhaustive()
    }
}
