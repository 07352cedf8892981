//! Tokens of challenges. A token proves by itself that this end issued it: however late an echo is, and however many
//! tokens were issued since, nobody needs to remember them to tell a late echo from a forged one.
//!
//! ```text
//!   token 16 = nonce 8 ‖ first 8 bytes of BLAKE2s(key of this end; label ‖ session ‖ path ‖ nonce)
//! ```
//!
//! Which echo is *valid* is another question: only the one that equals the running challenge.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::crypto::hash::mac16;
use crate::crypto::rng::Rng;
use crate::messages::PathId;

const LABEL: &[u8] = b"JV/1 path token";
/// A forged MAC of 8 bytes is right once in 2^64 times, and then only the blame for one message is lost.
const NONCE: usize = 8;
pub(crate) const TOKEN: usize = 16;

/// The secret of one end for the tokens of all its sessions. It never leaves the endpoint.
pub(crate) struct TokenKey(Zeroizing<[u8; 32]>);

impl TokenKey {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        rng.fill(key.as_mut());
        Self(key)
    }

    pub(crate) fn issue(&self, rng: &mut Rng, session: &[u8; 16], path: PathId) -> [u8; TOKEN] {
        self.token(rng.bytes(), session, path)
    }

    /// True if this end issued the token, at any time, for this path of this session.
    pub(crate) fn issued(&self, token: &[u8; TOKEN], session: &[u8; 16], path: PathId) -> bool {
        let nonce = token.first_chunk().copied().unwrap_or_default();
        self.token(nonce, session, path).ct_eq(token).into()
    }

    fn token(&self, nonce: [u8; NONCE], session: &[u8; 16], path: PathId) -> [u8; TOKEN] {
        let mac = mac16(&self.0, &[LABEL, session, &path.to_le_bytes(), &nonce]);
        let mut token = [0; TOKEN];
        token[..NONCE].copy_from_slice(&nonce);
        token[NONCE..].copy_from_slice(&mac[..TOKEN - NONCE]);
        token
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: [u8; 16] = [7; 16];

    #[test]
    fn a_token_is_recognized_however_many_were_issued_since() {
        let mut rng = Rng::new([3; 32]);
        let key = TokenKey::new(&mut rng);
        let tokens: Vec<_> = (0..1_000).map(|_| key.issue(&mut rng, &SESSION, 2)).collect();
        assert!(tokens.iter().all(|token| key.issued(token, &SESSION, 2)));
        assert!((1..tokens.len()).all(|at| !tokens[..at].contains(&tokens[at])), "each is new");
    }

    #[test]
    fn a_changed_token_and_that_of_another_path_session_or_end_are_not() {
        let mut rng = Rng::new([3; 32]);
        let [key, other] = [TokenKey::new(&mut rng), TokenKey::new(&mut rng)];
        let token = key.issue(&mut rng, &SESSION, 2);
        for bit in 0..8 * TOKEN {
            let mut changed = token;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!key.issued(&changed, &SESSION, 2), "bit {bit}");
        }
        assert!(!key.issued(&token, &SESSION, 3));
        assert!(!key.issued(&token, &[8; 16], 2));
        assert!(!other.issued(&token, &SESSION, 2));
    }
}
