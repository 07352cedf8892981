//! What a gateway says in RESP about the session that the client holds.

use super::codec::{Field, Malformed, Reader};
use super::text::{REASON_MAX, Reason};
use crate::messages;

/// Length on the wire: a code, the length of the reason, the reason and zeros up to its maximum.
pub(super) const STANDING_LEN: usize = 2 + REASON_MAX;

/// The gateway's knowledge of the session that INIT asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// INIT asks about no session.
    NotAsked,
    /// The session is live.
    Live,
    /// It was the client's last session; the gateway ended it for this reason.
    Ended(Reason),
    /// The gateway does not have the session and knows no reason: it was restarted, or a later session has ended since.
    Unknown,
    /// The client is not admitted, for this reason: the rest of RESP grants nothing, and no session of it is live.
    Refused(Reason),
}

impl Standing {
    /// As the core hears it; an error is the reason for which the client is not admitted.
    pub(crate) fn told(&self) -> Result<messages::Standing, Reason> {
        Ok(match self {
            Self::NotAsked => messages::Standing::NotAsked,
            Self::Live => messages::Standing::Live,
            Self::Ended(reason) => messages::Standing::Ended { reason: reason.to_string() },
            Self::Unknown => messages::Standing::Unknown,
            Self::Refused(reason) => return Err(*reason),
        })
    }

    fn parts(&self) -> (u8, Reason) {
        match *self {
            Self::NotAsked => (0, Reason::EMPTY),
            Self::Live => (1, Reason::EMPTY),
            Self::Ended(reason) => (2, reason),
            Self::Unknown => (3, Reason::EMPTY),
            Self::Refused(reason) => (4, reason),
        }
    }
}

impl Field for Standing {
    fn put(&self, out: &mut Vec<u8>) {
        let (code, reason) = self.parts();
        let end = out.len() + STANDING_LEN;
        out.push(code);
        reason.put(out);
        out.resize(end, 0);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut field = Reader::new(input.bytes(STANDING_LEN)?);
        let (code, reason) = (u8::take(&mut field)?, Reason::take(&mut field)?);
        let standing = match code {
            0 => Self::NotAsked,
            1 => Self::Live,
            2 => Self::Ended(reason),
            3 => Self::Unknown,
            4 => Self::Refused(reason),
            _ => return Err(Malformed::Value("standing")),
        };
        let padded = field.rest().iter().all(|byte| *byte == 0);
        if padded && standing.parts().1 == reason { Ok(standing) } else { Err(Malformed::Value("standing")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::codec::decode_whole;

    fn encoded(standing: Standing) -> Vec<u8> {
        let mut out = Vec::new();
        standing.put(&mut out);
        out
    }

    #[test]
    fn each_standing_has_one_encoding_of_42_bytes() {
        let reason = Reason::new("transport_lost_ttl_exceeded").unwrap_or(Reason::EMPTY);
        let all = [
            Standing::NotAsked,
            Standing::Live,
            Standing::Ended(reason),
            Standing::Unknown,
            Standing::Refused(reason),
            Standing::Ended(Reason::EMPTY),
        ];
        for standing in all {
            let bytes = encoded(standing);
            assert_eq!(bytes.len(), 42);
            assert_eq!(decode_whole::<Standing>(&bytes), Ok(standing));
        }
    }

    #[test]
    fn an_unknown_code_a_stray_reason_and_stray_bytes_are_refused() {
        let reason = Reason::new("peer_closed").unwrap_or(Reason::EMPTY);
        let refused = Err(Malformed::Value("standing"));
        for (at, byte) in [(0, 5), (0, 1), (41, 1)] {
            let mut bytes = encoded(Standing::Ended(reason));
            bytes[at] = byte;
            assert_eq!(decode_whole::<Standing>(&bytes), refused, "byte {at} = {byte}");
        }
    }
}
