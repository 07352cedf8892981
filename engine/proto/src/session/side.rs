//! The parts of a session that only one role has.

use std::net::IpAddr;

use super::client::attempt::Attempt;
use super::faults::ReportWindow;
use super::gateway::binding::Binding;
use super::gateway::delivery::Delivery;
use crate::crypto::keyfile::PublicKey;
use crate::frames::Reason;
use crate::messages::{PathId, Role};
use crate::path::rebinding::RebindLimit;

/// An order that no message has: counters end before it.
const NO_MESSAGE: (u32, u64) = (u32::MAX, u64::MAX);

#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "the many sessions of a process are those of a gateway")]
pub(super) enum Side {
    Client(ClientSide),
    Gateway(GatewaySide),
}

#[derive(Debug, Default)]
pub(super) struct ClientSide {
    pub(super) attempt: Option<Box<Attempt>>,
    /// HINTs are ignored before this time.
    pub(super) hints_from: u64,
    /// The newest ASSIGN that was reported to the core.
    pub(super) assigned: Option<u32>,
    pub(super) switch_requested: Option<Requested>,
}

/// The newest SWITCH_REQUEST that was reported to the core, and its denial.
#[derive(Debug)]
pub(super) struct Requested {
    pub(super) id: u32,
    pub(super) to: PathId,
    pub(super) denial: Option<(Reason, u32)>,
}

#[derive(Debug)]
pub(super) struct GatewaySide {
    pub(super) peer: PublicKey,
    /// Inner addresses of an accepted session.
    pub(super) addresses: [Option<IpAddr>; 2],
    pub(super) binding: Binding,
    pub(super) assign: Option<Box<Delivery>>,
    pub(super) switch_request: Option<Box<Delivery>>,
    /// The id of the newest delivery.
    pub(super) deliveries: u32,
    /// Time until which a path must have answered `ChallengeSession`.
    pub(super) challenge_until: Option<u64>,
    pub(super) rebinds: RebindLimit,
    /// Reports that requests of the peer caused, without its faults.
    pub(super) requests: ReportWindow,
    /// The newest message whose bytes were added to the budget of an unvalidated route: each message counts once.
    pub(super) credited: (u32, u64),
}

impl Side {
    pub(super) fn new(role: Role, peer: PublicKey) -> Self {
        match role {
            Role::Client => Self::Client(ClientSide::default()),
            Role::Gateway => Self::Gateway(GatewaySide {
                peer,
                addresses: [None; 2],
                binding: Binding::default(),
                assign: None,
                switch_request: None,
                deliveries: 0,
                challenge_until: None,
                rebinds: RebindLimit::default(),
                requests: ReportWindow::default(),
                credited: NO_MESSAGE,
            }),
        }
    }

    pub(super) fn role(&self) -> Role {
        match self {
            Self::Client(_) => Role::Client,
            Self::Gateway(_) => Role::Gateway,
        }
    }

    pub(super) fn client(&self) -> Option<&ClientSide> {
        if let Self::Client(side) = self { Some(side) } else { None }
    }

    pub(super) fn client_mut(&mut self) -> Option<&mut ClientSide> {
        if let Self::Client(side) = self { Some(side) } else { None }
    }

    pub(super) fn gateway(&self) -> Option<&GatewaySide> {
        if let Self::Gateway(side) = self { Some(side) } else { None }
    }

    pub(super) fn gateway_mut(&mut self) -> Option<&mut GatewaySide> {
        if let Self::Gateway(side) = self { Some(side) } else { None }
    }

    /// The running activation of a client.
    pub(super) fn attempt(&self) -> Option<&Attempt> {
        self.client()?.attempt.as_deref()
    }

    pub(super) fn attempt_mut(&mut self) -> Option<&mut Attempt> {
        self.client_mut()?.attempt.as_deref_mut()
    }

    pub(super) fn take_attempt(&mut self) -> Option<Attempt> {
        self.client_mut()?.attempt.take().map(|attempt| *attempt)
    }
}
