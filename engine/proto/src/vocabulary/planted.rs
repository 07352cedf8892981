//! For tests alone: bytes over which the code that works on them panics.

/// The last bytes of an inner packet for a gateway, or the policy digest of an INIT.
pub const TRIGGER: &[u8; 16] = b"a planted panic!";

pub(crate) fn stumble_over(bytes: &[u8]) {
    assert!(!bytes.ends_with(TRIGGER), "a planted panic");
}
