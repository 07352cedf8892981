//! The state of a rekey.

use crate::crypto::keys::Ephemeral;
use crate::frames;
use crate::path::Retry;

#[derive(Debug)]
pub(crate) enum Rekey {
    Idle,
    /// Client: REKEY_INIT was sent.
    Begun {
        epoch: u32,
        ephemeral: Box<Ephemeral>,
        trigger: &'static str,
        retry: Retry,
    },
    /// Client: seals under the new epoch; the peer has not used it yet.
    Confirming {
        retry: Retry,
    },
    /// Gateway: asked the client to begin this epoch.
    Asked {
        epoch: u32,
        trigger: &'static str,
        retry: Retry,
    },
    /// Gateway: the answer to REKEY_INIT for this epoch, for repetitions. `trigger` is what the core will get in the
    /// report.
    Answered {
        init: frames::Rekey,
        resp: frames::Rekey,
        trigger: &'static str,
    },
}

impl Rekey {
    pub(super) fn retry_mut(&mut self) -> Option<&mut Retry> {
        match self {
            Self::Begun { retry, .. } | Self::Confirming { retry } | Self::Asked { retry, .. } => Some(retry),
            Self::Idle | Self::Answered { .. } => None,
        }
    }

    pub(super) fn retry(&self) -> Option<&Retry> {
        match self {
            Self::Begun { retry, .. } | Self::Confirming { retry } | Self::Asked { retry, .. } => Some(retry),
            Self::Idle | Self::Answered { .. } => None,
        }
    }
}
