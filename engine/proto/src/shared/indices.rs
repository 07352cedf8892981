//! Receiver indices of this node: random and unique; each names a session or one path of it. They are visible on the
//! wire, so they prove nothing.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::crypto::rng::Rng;
use crate::messages::{PathId, SessionHandle};
use crate::vocabulary::Shard;

/// Hashes keys that this process chose itself (random indices, counted handles), so nobody can provoke collisions.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct OwnKeyHasher(u64);

impl Hasher for OwnKeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn write_u32(&mut self, key: u32) {
        self.0 = (u64::from(key) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23);
    }
}

pub(crate) type OwnKeyMap<V> = HashMap<u32, V, BuildHasherDefault<OwnKeyHasher>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) session: SessionHandle,
    /// `None` = the session index, which is valid on any path.
    pub(crate) path: Option<PathId>,
}

#[derive(Debug)]
pub(crate) struct Indices {
    map: OwnKeyMap<Target>,
    shard: Shard,
}

impl Indices {
    pub(crate) fn new(shard: Shard) -> Self {
        Self { map: OwnKeyMap::default(), shard }
    }

    /// Assigns a new random index of this shard to the target. 0 is never assigned: on the wire it means "none". At
    /// most a thousandth of all indices is in use, so a second draw is rare and a third is very unlikely.
    pub(crate) fn assign(&mut self, rng: &mut Rng, target: Target) -> u32 {
        loop {
            let Some(index) = self.shard.own(rng.number()) else { continue };
            if index != 0 && !self.map.contains_key(&index) {
                self.map.insert(index, target);
                return index;
            }
        }
    }

    pub(crate) fn find(&self, index: u32) -> Option<Target> {
        self.map.get(&index).copied()
    }

    pub(crate) fn release(&mut self, index: u32) {
        self.map.remove(&index);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_moved_into_the_shard_or_drawn_again() {
        for of in 1..=16 {
            for number in 0..of {
                let shard = Shard { number, of };
                let own: Vec<u32> = (0..=255).filter_map(|low| shard.own(0xabcd_ef00 | low)).collect();
                assert!(own.iter().all(|index| shard.has(*index) && index & !0xff == 0xabcd_ef00));
                assert!(own.len() >= 256 - usize::from(of));
            }
        }
    }

    #[test]
    fn handles_stay_in_their_shard_also_after_the_largest() {
        for of in 1..=16 {
            for number in 0..of {
                let shard = Shard { number, of };
                let first = shard.first_handle();
                assert!(first > 0 && first % u32::from(of) == u32::from(number));
                let largest = u32::MAX - (u32::MAX - first) % u32::from(of);
                assert_eq!((shard.next_handle(first), shard.next_handle(largest)), (first + u32::from(of), first));
            }
        }
    }
}
