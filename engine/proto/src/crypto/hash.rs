//! Keyed and plain BLAKE2s, and HKDF over it. Each use has its own label, so the output of one use is never valid for
//! another.

use blake2::{
    Blake2s256, Blake2sMac,
    digest::{Digest, FixedOutput, KeyInit, Update, consts::U16},
};
use hkdf::SimpleHkdf;
use zeroize::Zeroizing;

/// BLAKE2s-256 of the parts in order.
pub(crate) fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut state = Blake2s256::default();
    for part in parts {
        Digest::update(&mut state, part);
    }
    state.finalize().into()
}

/// Keyed BLAKE2s of the parts in order, with 16 bytes of output.
pub(crate) fn mac16(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 16] {
    let mut state = Blake2sMac::<U16>::new(key.into());
    for part in parts {
        Update::update(&mut state, part);
    }
    state.finalize_fixed().into()
}

/// HKDF-BLAKE2s (RFC 5869 over HMAC) with one key of 32 bytes as output; `info` is the concatenation of its parts.
pub(crate) fn derive(salt: &[u8; 32], ikm: &[u8], info: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    SimpleHkdf::<Blake2s256>::new(Some(salt), ikm)
        .expand_multi_info(info, key.as_mut())
        .expect("32 bytes are one block, the least that HKDF can give");
    key
}

#[cfg(test)]
mod tests;
