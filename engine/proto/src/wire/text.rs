//! Short texts inside frames and payloads, stored inline: a peer cannot cause allocations with them.

use std::fmt;

use crate::wire::codec::{Field, Malformed, Reader};

/// Maximum length of a reason in bytes; every reason of the mission's vocabulary fits.
pub const REASON_MAX: usize = 40;
/// Maximum length of the detail of a CLOSE in bytes (docs/spec/wire.md, "Close").
pub const DETAIL_MAX: usize = 64;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Short<const N: usize> {
    len: u8,
    bytes: [u8; N],
}

impl<const N: usize> Short<N> {
    const EMPTY: Self = Self { len: 0, bytes: [0; N] };

    fn new(text: &[u8], allowed: fn(u8) -> bool, what: &'static str) -> Result<Self, Malformed> {
        if text.len() > N || !text.iter().all(|&byte| allowed(byte)) {
            return Err(Malformed::Value(what));
        }
        let mut short = Self { len: text.len() as u8, bytes: [0; N] };
        short.bytes[..text.len()].copy_from_slice(text);
        Ok(short)
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    fn as_str(&self) -> &str {
        // Only ASCII passes `new`, so the default is never taken.
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

macro_rules! short_text {
    ($(#[$meta:meta])* $name:ident, $max:ident, $what:literal, $allowed:expr) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name(Short<$max>);

        impl $name {
            pub const EMPTY: Self = Self(Short::EMPTY);

            /// Refuses a text that is too long or has a character outside the alphabet.
            pub fn new(text: &str) -> Result<Self, Malformed> {
                Short::new(text.as_bytes(), $allowed, $what).map(Self)
            }

            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Field for $name {
            fn put(&self, out: &mut Vec<u8>) {
                out.push(self.0.len);
                out.extend_from_slice(self.0.as_bytes());
            }
            fn take(input: &mut Reader<'_>) -> Result<Self, Malformed> {
                let len = u8::take(input)?;
                Short::new(input.bytes(usize::from(len))?, $allowed, $what).map(Self)
            }
        }
    };
}

short_text!(
    /// A reason of the mission's vocabulary: at most 40 characters of `a-z`, `0-9` and `_`; may be empty.
    Reason, REASON_MAX, "reason", |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'
);

short_text!(
    /// Free text for a person: at most 64 printable ASCII characters, because it is written to the logs of the other
    /// side.
    Detail, DETAIL_MAX, "detail", |byte| matches!(byte, b' '..=b'~')
);
