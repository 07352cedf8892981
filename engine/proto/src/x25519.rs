//! X25519 (RFC 7748). Every agreement refuses an all-zero result, which is what a peer's low-order point leads to.

use std::fmt;

use aws_lc_rs::agreement::{self, PrivateKey, UnparsedPublicKey, X25519};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::Fill;

/// A shared secret, cleared when dropped.
pub type Shared = Zeroizing<[u8; 32]>;

/// The agreement cannot be used: the peer's point has a low order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LowOrder;

impl fmt::Display for LowOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the peer's X25519 key is a point of low order")
    }
}

impl std::error::Error for LowOrder {}

/// A private key that is used in this process only: a handshake's or a rekey's.
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

    pub fn agree(&self, peer: &[u8; 32]) -> Result<Shared, LowOrder> {
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
