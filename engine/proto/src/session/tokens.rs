//! Tokens of challenges that this end has issued.

use super::faults::Trouble;
use crate::shared::Shared;
use crate::vocabulary::blame::{DropKind, PeerFault};

/// Number of issued tokens that are remembered: an echo of one of them is late, not forged.
const TOKENS_MAX: usize = 8;

#[derive(Debug, Default)]
pub(super) struct TokenHistory {
    tokens: [[u8; 16]; TOKENS_MAX],
    issued: usize,
}

impl TokenHistory {
    pub(super) fn issue(&mut self, cx: &mut Shared) -> [u8; 16] {
        let token = cx.rng.bytes();
        self.tokens[self.issued % TOKENS_MAX] = token;
        self.issued += 1;
        token
    }

    /// Decides who is to blame for an echo: if none of the last tokens matches, the peer.
    pub(super) fn judge(&self, echo: &[u8; 16]) -> Trouble {
        if self.tokens[..self.issued.min(TOKENS_MAX)].contains(echo) {
            Trouble::Unattributable(DropKind::StaleEcho)
        } else {
            Trouble::Attributable(PeerFault::EchoNeverIssued)
        }
    }
}
