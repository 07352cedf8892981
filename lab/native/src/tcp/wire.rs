//! The messages between both ends of a transfer.
//!
//! ```text
//!   client                                             server
//!     │ ── greeting: mode, bytes, seed, rate, hash ───▶ │
//!     │ ◀── bytes … digest ─────────────────────────────│   fetch
//!     │ ─── bytes … digest ────────────────────────────▶│   push
//!     │ ◀── digest of what arrived ─────────────────────│   push
//! ```

pub const GREETING_BYTES: usize = 32;
pub const DIGEST_BYTES: usize = 32;
/// Maximum transfer size: 16 TiB.
pub const TRANSFER_BYTES_MAX: u64 = 1 << 44;

/// Maximum rate: 100 Gbit/s.
const BYTES_PER_SEC_MAX: u64 = 12_500_000_000;

const MAGIC: [u8; 4] = *b"JVT1";

pub type Digest = [u8; DIGEST_BYTES];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// From the server to the client.
    Fetch,
    /// From the client to the server.
    Push,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Greeting {
    pub mode: Mode,
    /// Whether both ends hash; if not, digests are zero.
    pub hashed: bool,
    pub bytes: u64,
    pub seed: u64,
    /// Maximum bytes per second; 0 is unlimited.
    pub bytes_per_sec: u64,
}

impl Greeting {
    pub fn encode(&self) -> [u8; GREETING_BYTES] {
        let mut out = [0; GREETING_BYTES];
        out[0..4].copy_from_slice(&MAGIC);
        out[4] = u8::from(self.mode == Mode::Push);
        out[5] = u8::from(self.hashed);
        out[8..16].copy_from_slice(&self.bytes.to_le_bytes());
        out[16..24].copy_from_slice(&self.seed.to_le_bytes());
        out[24..32].copy_from_slice(&self.bytes_per_sec.to_le_bytes());
        out
    }

    /// `None` if the bytes are not a greeting, or exceed these limits.
    pub fn decode(bytes: &[u8; GREETING_BYTES]) -> Option<Self> {
        let (head, numbers) = bytes.split_at(8);
        let number = |at: usize| {
            numbers[at..]
                .first_chunk::<8>()
                .map(|part| u64::from_le_bytes(*part))
        };
        let mode = match head[4] {
            0 => Mode::Fetch,
            1 => Mode::Push,
            _ => return None,
        };
        let greeting = Self {
            mode,
            hashed: head[5] == 1,
            bytes: number(0)?,
            seed: number(8)?,
            bytes_per_sec: number(16)?,
        };
        let bounded =
            greeting.bytes <= TRANSFER_BYTES_MAX && greeting.bytes_per_sec <= BYTES_PER_SEC_MAX;
        (head[0..4] == MAGIC && bounded).then_some(greeting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_and_nothing_else_is() {
        for mode in [Mode::Fetch, Mode::Push] {
            let greeting = Greeting {
                mode,
                hashed: true,
                bytes: 200_000_000,
                seed: 7,
                bytes_per_sec: 1,
            };
            let bytes = greeting.encode();
            assert_eq!(Greeting::decode(&bytes), Some(greeting));
            assert_eq!(Greeting::decode(&[0; GREETING_BYTES]), None);
            let too_large = Greeting {
                bytes: TRANSFER_BYTES_MAX + 1,
                ..greeting
            };
            assert_eq!(Greeting::decode(&too_large.encode()), None);
        }
    }
}
