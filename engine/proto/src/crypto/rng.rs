//! The endpoint's generator: `ChaCha20`, seeded once by the operating system, so that a test with a fixed seed is
//! repeatable. After each draw it replaces its own key: somebody who reads the memory later cannot compute earlier
//! output, which includes every ephemeral key.

use std::fmt;

use chacha20::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng};
use zeroize::Zeroizing;

pub(crate) struct Rng(ChaCha20Rng);

impl Rng {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self(ChaCha20Rng::from_seed(seed))
    }

    pub(crate) fn fill(&mut self, out: &mut [u8]) {
        self.0.fill_bytes(out);
        let mut next = Zeroizing::new([0; 32]);
        self.0.fill_bytes(next.as_mut());
        self.0 = ChaCha20Rng::from_seed(*next);
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }

    pub(crate) fn number(&mut self) -> u32 {
        u32::from_le_bytes(self.bytes())
    }

    /// Uniform enough for jitter: 0 … `limit` − 1; 0 if `limit` is 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        if limit == 0 { 0 } else { u64::from_le_bytes(self.bytes()) % limit }
    }
}

impl fmt::Debug for Rng {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rng(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_that_drew_is_gone_after_the_draw() {
        let mut rng = Rng::new([3; 32]);
        let [first, second]: [[u8; 32]; 2] = [rng.bytes(), rng.bytes()];
        let stream = |key: [u8; 32]| {
            let mut out = [0; 256];
            ChaCha20Rng::from_seed(key).fill_bytes(&mut out);
            out
        };
        let of_seed = stream([3; 32]);
        assert_eq!(of_seed[..32], first);
        assert!(of_seed.windows(32).all(|window| window != second), "not of the same key");
        let mut next = [0; 32];
        next.copy_from_slice(&of_seed[32..64]);
        assert_eq!(stream(next)[..32], second, "repeatable");
    }

    #[test]
    fn one_seed_gives_one_sequence() {
        let [mut one, mut other] = [Rng::new([5; 32]), Rng::new([5; 32])];
        for _ in 0..10 {
            assert_eq!(
                (one.number(), one.below(9), one.bytes::<40>()),
                (other.number(), other.below(9), other.bytes())
            );
        }
        assert_eq!(one.below(0), 0);
    }
}
