//! Tokens of challenges that this end has issued.

use super::Session;
use super::faults::Trouble;
use crate::frames::PathToken;
use crate::messages::PathId;
use crate::shared::Shared;
use crate::vocabulary::blame::{DropKind, PeerFault};

impl Session {
    pub(super) fn issue_token(&self, cx: &mut Shared, path: PathId) -> [u8; 16] {
        cx.tokens.issue(&mut cx.rng, &self.id.0, path)
    }

    /// Who is to blame for an echo that answers no running challenge: the peer alone, if this end never issued it.
    pub(super) fn judge_echo(&self, cx: &Shared, echo: &PathToken) -> Trouble {
        if cx.tokens.issued(&echo.token, &self.id.0, echo.path) {
            Trouble::Unattributable(DropKind::StaleEcho)
        } else {
            Trouble::Attributable(PeerFault::EchoNeverIssued)
        }
    }
}
