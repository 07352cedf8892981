//! The identity of a session, and the form in which people read it.

const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Digits of 5 bits each; the last one has 2 bits to spare, which are zero.
const DIGITS_LEN: u32 = 26;
const GROUP: u32 = 4;

/// 128 random bits; chosen by the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SessionId(pub(crate) [u8; 16]);

impl SessionId {
    /// `s-`, then the 128 bits in Crockford's base 32 (no I, L, O, U), in groups of four: `s-7QF2-9KXD-…`, 34
    /// characters.
    pub(crate) fn to_text(self) -> String {
        let bits = u128::from_be_bytes(self.0);
        (0..DIGITS_LEN).fold(String::from("s"), |mut text, place| {
            if place % GROUP == 0 {
                text.push('-');
            }
            let digit = if place == DIGITS_LEN - 1 { bits << 2 } else { bits >> (123 - 5 * place) };
            text.push(char::from(DIGITS[usize::try_from(digit & 31).unwrap_or_default()]));
            text
        })
    }

    /// Reads exactly what [`Self::to_text`] writes; `None` for anything else.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('s')?.bytes().filter(|byte| *byte != b'-');
        let mut bits = 0_u128;
        for (place, byte) in (0..DIGITS_LEN).zip(digits) {
            let digit = DIGITS.iter().position(|known| *known == byte)? as u128;
            bits = if place == DIGITS_LEN - 1 { bits << 3 | digit >> 2 } else { bits << 5 | digit };
        }
        let id = Self(bits.to_be_bytes());
        (id.to_text() == text).then_some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back_and_nothing_else_is_read() {
        let ids = [[0; 16], [0xff; 16], *b"sixteen bytes ok", [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]];
        for id in ids.map(SessionId) {
            assert_eq!(SessionId::from_text(&id.to_text()), Some(id));
        }
        let text = SessionId([7; 16]).to_text();
        let spare = format!("{}1", &text[..33]);
        for bad in ["", "s", "s-1", &text[1..], &text[..33], &format!("{text}0"), &text.to_lowercase(), &spare] {
            assert_eq!(SessionId::from_text(bad), None, "{bad}");
        }
    }
}
