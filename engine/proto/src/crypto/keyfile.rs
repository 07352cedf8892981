//! Static keys and their text forms: `jvpk1:` for a public key, `jvps1:` for a private key, followed by 43 characters
//! of base64url without padding. The caller reads and writes the file.

use std::{fmt, sync::Arc};

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::{
    crypto::x25519::{Ephemeral, is_low_order},
    vocabulary::Fill,
};

const PUBLIC_PREFIX: &str = "jvpk1:";
const PRIVATE_PREFIX: &str = "jvps1:";
/// 256 bits in characters of 6 bits.
const TEXT_LEN: usize = 43;
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Why a text is not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyError {
    /// A private key was given where a public key is required.
    PrivateForPublic,
    /// A public key was given where a private key is required.
    PublicForPrivate,
    Prefix,
    /// Not 43 characters after the prefix.
    Length,
    /// A character outside base64url, or bits beyond the first 256 are set.
    Encoding,
    /// A point of low order: no key pair has it, and it would make secrets predictable.
    LowOrder,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PrivateForPublic => {
                "this is a private key (jvps1:…), but a public key (jvpk1:…) is required; keep the private key secret"
            }
            Self::PublicForPrivate => "this is a public key (jvpk1:…), but a private key (jvps1:…) is required",
            Self::Prefix => "a key begins with jvpk1: (public) or jvps1: (private)",
            Self::Length => "a key has 43 characters after its prefix",
            Self::Encoding => "a key has only the characters A-Z a-z 0-9 - _",
            Self::LowOrder => "no private key belongs to this public key",
        })
    }
}

impl std::error::Error for KeyError {}

/// A static public key: the identity of a peer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Refuses everything except the exact text form, and refuses points of low order.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        if text.starts_with(PRIVATE_PREFIX) {
            return Err(KeyError::PrivateForPublic);
        }
        let mut bytes = [0; 32];
        decode(text.strip_prefix(PUBLIC_PREFIX).ok_or(KeyError::Prefix)?, &mut bytes)?;
        // Checked by comparison, because a gateway reads a hundred thousand keys in the thread that carries all
        // packets.
        if is_low_order(&bytes) { Err(KeyError::LowOrder) } else { Ok(Self(bytes)) }
    }

    pub fn to_text(self) -> String {
        let mut text = String::with_capacity(PUBLIC_PREFIX.len() + TEXT_LEN);
        text.push_str(PUBLIC_PREFIX);
        encode(&self.0, &mut text);
        text
    }

    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

/// A static private key with its public half. Erased when its last clone is dropped; never printed. All clones share
/// one place in memory, which is filled there: a move would leave the bytes behind on the stack.
#[derive(Clone)]
pub struct StaticKey {
    private: Arc<Zeroizing<[u8; 32]>>,
    public: PublicKey,
}

impl StaticKey {
    pub fn generate(fill: Fill<'_>) -> Self {
        Self::filled(|private| {
            fill(private);
            Ok(())
        })
        .expect("nothing is refused")
    }

    /// Parses the content of a key file; surrounding white space is ignored. The caller erases its own buffer.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let text = text.trim_ascii();
        if text.starts_with(PUBLIC_PREFIX) {
            return Err(KeyError::PublicForPrivate);
        }
        let digits = text.strip_prefix(PRIVATE_PREFIX).ok_or(KeyError::Prefix)?;
        Self::filled(|private| decode(digits, private))
    }

    /// The text of a key file, without a line end.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(PRIVATE_PREFIX.len() + TEXT_LEN));
        text.push_str(PRIVATE_PREFIX);
        encode(&self.private, &mut text);
        text
    }

    pub const fn public(&self) -> PublicKey {
        self.public
    }

    pub(crate) fn private(&self) -> &[u8; 32] {
        &self.private
    }

    fn filled(write: impl FnOnce(&mut [u8; 32]) -> Result<(), KeyError>) -> Result<Self, KeyError> {
        let mut private = Arc::new(Zeroizing::new([0; 32]));
        write(Arc::get_mut(&mut private).expect("nobody else has it yet"))?;
        let public = PublicKey(*Ephemeral::from_private(&private).public());
        Ok(Self { private, public })
    }
}

impl PartialEq for StaticKey {
    fn eq(&self, other: &Self) -> bool {
        self.private().ct_eq(other.private()).into()
    }
}

impl Eq for StaticKey {}

impl fmt::Debug for StaticKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticKey").field("public", &self.public).finish_non_exhaustive()
    }
}

/// Appends 43 characters. `out` must have room for them: a reallocation would leave a copy of the secret in memory.
fn encode(bytes: &[u8; 32], out: &mut String) {
    for chunk in bytes.chunks(3) {
        let mut bits = chunk.iter().fold(0_u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - chunk.len()));
        for _ in 0..=chunk.len() {
            out.push(char::from(ALPHABET[(bits >> 18 & 63) as usize]));
            bits <<= 6;
        }
        bits.zeroize();
    }
}

fn decode(text: &str, bytes: &mut [u8; 32]) -> Result<(), KeyError> {
    if text.len() != TEXT_LEN {
        return Err(KeyError::Length);
    }
    let mut filled = 0;
    let (mut bits, mut count) = (0_u32, 0);
    for character in text.bytes() {
        let value = ALPHABET.iter().position(|&known| known == character).ok_or(KeyError::Encoding)?;
        bits = bits << 6 | value as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes[filled] = (bits >> count) as u8;
            filled += 1;
            bits &= (1 << count) - 1;
        }
    }
    // 43 · 6 = 258: the two bits beyond the key must be zero, otherwise one key would have four texts.
    if bits == 0 { Ok(()) } else { Err(KeyError::Encoding) }
}
