//! How far a rekey has come.

use crate::crypto::keys::Ephemeral;
use crate::frames;
use crate::path::Retry;

#[derive(Debug)]
pub(crate) enum Rekey {
    Idle,
    /// Client: REKEY_INIT is out.
    Begun {
        epoch: u32,
        ephemeral: Box<Ephemeral>,
        trigger: &'static str,
        retry: Retry,
    },
    /// Client: sealing under the new epoch, the peer was not heard in it yet.
    Confirming {
        retry: Retry,
    },
    /// Gateway: asked the client for this epoch.
    Asked {
        epoch: u32,
        trigger: &'static str,
        retry: Retry,
    },
    /// Gateway: the answer to REKEY_INIT for this epoch, for repetitions. `trigger` as the core will hear it.
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
