//! The messages between the engine and the core that decides: commands go in, reports come out.
//!
//! This file is the only source of these types. The TypeScript types in `kernel/contract/engine.generated.ts` are
//! generated from it (`npm run generate`). Times are microseconds of `CLOCK_BOOTTIME`. Keys are public keys in the text
//! form `jvpk1:…`; nothing in this file can carry a secret.
//!
//! A *session* is a local handle (`u32`, never reused within a process). A *path* is the path id that the client chose:
//! the same number on both ends, never reused within a session. The *bind seq* rises with every activating message (see
//! `docs/spec`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::vocabulary::blame::{Dropped, PeerFault};
use crate::wire::codec::byte_enum;

/// Maximum length in bytes of a text in a report that says why something went wrong.
pub const TEXT_MAX: usize = 200;

/// Local handle of a session.
pub type SessionHandle = u32;
/// Id of a path inside a session. On the client it is unique for the life of the process, because paths exist before
/// sessions.
pub type PathId = u32;

/// What a gateway offers a client, taken from the client's policy. Sent in RESP; binding for both ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Offer {
    pub lifetime_s: u32,
    pub transport_lost_ttl_ms: u32,
    pub degraded_max_ms: u32,
    pub keepalive_ms: u16,
    /// The liveness interval I: realtime 10, normal 50, saver 250.
    pub liveness_ms: u16,
    pub switches_per_min: u16,
    pub cooldown_ms: u16,
    pub recoveries_per_min: u16,
    pub mtu: u16,
    /// Every inner packet is sent on two paths, in both directions. Granted only if the client supports it.
    pub redundant: bool,
    #[ts(type = "number")]
    pub policy_version: u64,
    /// First 8 bytes of the policy's digest, 16 hex digits.
    pub policy_digest: String,
}

impl Offer {
    /// All zeros: nothing is offered.
    pub(crate) fn nothing() -> Self {
        Self {
            lifetime_s: 0,
            transport_lost_ttl_ms: 0,
            degraded_max_ms: 0,
            keepalive_ms: 0,
            liveness_ms: 0,
            switches_per_min: 0,
            cooldown_ms: 0,
            recoveries_per_min: 0,
            mtu: 0,
            redundant: false,
            policy_version: 0,
            policy_digest: "0".repeat(16),
        }
    }
}

/// A client that a gateway knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Peer {
    pub key: String,
    pub offer: Offer,
}

/// Inner addresses of a session, sent in ASSIGN.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Assignment {
    pub v4: Option<Ipv4Addr>,
    pub v4_prefix: u8,
    pub v6: Option<Ipv6Addr>,
    pub v6_prefix: u8,
    /// At most 4.
    pub dns: Vec<IpAddr>,
    pub mtu: u16,
}

byte_enum! {
    /// The transport of a path. The number is the one on the wire.
    #[derive(Serialize, Deserialize, TS)]
    #[serde(rename_all = "snake_case")]
    #[ts(rename = "TransportKind")]
    pub enum Transport {
        Udp = 1,
    }
}

/// Transport and both ends of a path. The labels that people read are made from this value only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PathDescription {
    pub transport: Transport,
    /// Client: the address that the socket is bound to. Gateway: the address that the datagram was sent to; the
    /// unspecified address if the kernel did not report it.
    pub local: IpAddr,
    pub remote: SocketAddr,
    /// Client: the network interface that the socket is bound to. Gateway: none.
    pub interface: Option<String>,
}

/// How the client requests an activation on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum AttachKind {
    /// The target is a validated candidate: SWITCH.
    Switch,
    /// The target is not validated yet: ATTACH kind 1.
    Reattach,
    /// The active path is validated again: ATTACH kind 2.
    Revalidate,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum Command {
    // ---- gateway: which clients are admitted ------------------------------------------------------------------------
    /// Adds a known client or replaces its offer. At most 131,072.
    SetPeer {
        peer: Peer,
    },
    /// Removes a client key: later INITs of this key are refused with the reason (only the newest 4,096 removed keys;
    /// older ones get silence). Running sessions are not affected.
    RemovePeer {
        key: String,
        reason: String,
    },
    /// The newest session of a client was accepted (`ended` is `null`), or it has ended for that reason. From this the
    /// gateway answers a client that asks about its session.
    SetStanding {
        key: String,
        session_id: String,
        ended: Option<String>,
    },
    /// The core accepts a confirmed session: inner packets may flow, ASSIGN is sent and retried.
    AcceptSession {
        session: SessionHandle,
        assignment: Assignment,
    },
    /// The core refuses a confirmed session: CLOSE is sent with the reason, the keys are dropped.
    RefuseSession {
        session: SessionHandle,
        reason: String,
    },
    /// Answer to `AttachRequested`. Without `deny_reason` the path is bound: it becomes the send path, and the
    /// activation is acknowledged.
    AnswerAttach {
        session: SessionHandle,
        path: PathId,
        #[ts(type = "number")]
        bind_seq: u64,
        deny_reason: Option<String>,
        retry_after_ms: u32,
    },
    /// Checks whether any path of this session still answers. `ChallengeResult` follows within 3·PTO (at least 0.2 s,
    /// at most 3 s).
    ChallengeSession {
        session: SessionHandle,
    },
    /// The gateway asks the client to switch to another path: SWITCH_REQUEST, at most 5 sends, one per PTO.
    RequestSwitch {
        session: SessionHandle,
        path: PathId,
        reason: String,
    },

    // ---- client: dialling and paths ---------------------------------------------------------------------------------
    /// Opens a socket bound to the interface and the local address. Answered by `PathOpened` or `PathError`. The path
    /// does not depend on a session: a dial and all later sessions of this client use it.
    OpenPath {
        path: PathId,
        ifindex: u32,
        description: PathDescription,
    },
    /// Closes the socket. If a session is live, PATH_CLOSE is sent on another path.
    ClosePath {
        path: PathId,
        reason: String,
    },
    /// Starts a handshake with the gateway key on all these paths, in this order; the first RESP wins. Only one dial at
    /// a time. The gateway is asked about the session `about`, if one is named.
    Dial {
        dial: u32,
        gateway_key: String,
        paths: Vec<PathId>,
        about: Option<SessionHandle>,
    },
    /// Adds a path that was opened later to the running dial.
    DialAlso {
        dial: u32,
        path: PathId,
    },
    AbortDial {
        dial: u32,
    },
    /// The core accepts the session of `HandshakeDone`: ATTACH kind 1 with bind seq 1 is sent on the path on which RESP
    /// arrived. Answered by `AttachValidated` with bind seq 1, `AttachDenied` or `AttachUnanswered`.
    ConfirmSession {
        session: SessionHandle,
    },
    /// Makes an open path a candidate: sends ATTACH kind 0. Answered by `PathValidated` or `PathUnanswered`.
    AddCandidate {
        session: SessionHandle,
        path: PathId,
    },
    /// Activates a path: it becomes the send path at once. The request is sent at most 5 times, one per PTO.
    Attach {
        session: SessionHandle,
        path: PathId,
        #[ts(type = "number")]
        bind_seq: u64,
        kind: AttachKind,
        reason: String,
    },
    /// Stops the retries of an attempt. `restore` is the send path from then on (none: inner packets have no path).
    AbortAttach {
        session: SessionHandle,
        #[ts(type = "number")]
        bind_seq: u64,
        restore: Option<PathId>,
    },
    /// The answer to `SwitchRequested` for that path, if the client does not follow it. Repeated whenever the request
    /// is. Has no effect if the gateway does not support it.
    DenySwitch {
        session: SessionHandle,
        path: PathId,
        reason: String,
        retry_after_ms: u32,
    },

    // ---- both -------------------------------------------------------------------------------------------------------
    /// The core's verdict on a path. Only probes are sent on a dead path. If it was the send path, the session has
    /// none.
    SetPathDead {
        session: SessionHandle,
        path: PathId,
        dead: bool,
    },
    /// Probes every path of the session at this interval, with or without traffic. 0 = traffic decides again.
    SetProbing {
        session: SessionHandle,
        interval_ms: u32,
    },
    /// Sends CLOSE on all live paths (sealed at once, at most 3 sends, one per PTO), then the keys are dropped.
    CloseSession {
        session: SessionHandle,
        reason: String,
    },
    /// Drops keys and state at once; the peer gets no message.
    ForgetSession {
        session: SessionHandle,
    },
}

impl Command {
    /// The session that the command is about.
    pub fn session(&self) -> Option<SessionHandle> {
        match self {
            Self::AcceptSession { session, .. }
            | Self::RefuseSession { session, .. }
            | Self::AnswerAttach { session, .. }
            | Self::ChallengeSession { session }
            | Self::RequestSwitch { session, .. }
            | Self::ConfirmSession { session }
            | Self::AddCandidate { session, .. }
            | Self::Attach { session, .. }
            | Self::AbortAttach { session, .. }
            | Self::DenySwitch { session, .. }
            | Self::SetPathDead { session, .. }
            | Self::SetProbing { session, .. }
            | Self::CloseSession { session, .. }
            | Self::ForgetSession { session } => Some(*session),
            Self::SetPeer { .. }
            | Self::RemovePeer { .. }
            | Self::SetStanding { .. }
            | Self::OpenPath { .. }
            | Self::ClosePath { .. }
            | Self::Dial { .. }
            | Self::DialAlso { .. }
            | Self::AbortDial { .. } => None,
        }
    }

    /// The `type` of the command in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SetPeer { .. } => "SetPeer",
            Self::RemovePeer { .. } => "RemovePeer",
            Self::SetStanding { .. } => "SetStanding",
            Self::AcceptSession { .. } => "AcceptSession",
            Self::RefuseSession { .. } => "RefuseSession",
            Self::AnswerAttach { .. } => "AnswerAttach",
            Self::ChallengeSession { .. } => "ChallengeSession",
            Self::RequestSwitch { .. } => "RequestSwitch",
            Self::OpenPath { .. } => "OpenPath",
            Self::ClosePath { .. } => "ClosePath",
            Self::Dial { .. } => "Dial",
            Self::DialAlso { .. } => "DialAlso",
            Self::AbortDial { .. } => "AbortDial",
            Self::ConfirmSession { .. } => "ConfirmSession",
            Self::AddCandidate { .. } => "AddCandidate",
            Self::Attach { .. } => "Attach",
            Self::AbortAttach { .. } => "AbortAttach",
            Self::DenySwitch { .. } => "DenySwitch",
            Self::SetPathDead { .. } => "SetPathDead",
            Self::SetProbing { .. } => "SetProbing",
            Self::CloseSession { .. } => "CloseSession",
            Self::ForgetSession { .. } => "ForgetSession",
        }
    }

    /// The path to open or the dial to begin: the core waits for an answer that names no session.
    pub(crate) fn awaits(&self) -> (Option<PathId>, Option<u32>) {
        match self {
            Self::OpenPath { path, .. } => (Some(*path), None),
            Self::Dial { dial, .. } => (None, Some(*dial)),
            _ => (None, None),
        }
    }
}

/// State of one network interface: all that a path needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    pub name: String,
    pub index: u32,
    /// The kernel's kind of a virtual link, such as `tun`, `wireguard` or `vlan`.
    pub kind: Option<String>,
    /// Administratively up, with carrier.
    pub up: bool,
    /// Usable source addresses (no link-local, no tentative or deprecated IPv6).
    pub addresses: Vec<IpAddr>,
    /// Destination prefixes of the routes through this interface, as text: beyond the subnet (default or more specific)
    /// or on-link only. At most 64; if there are more, the shortest prefixes are kept.
    pub routes: Vec<String>,
}

/// The sender of a datagram that had no effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Sender {
    pub remote: SocketAddr,
    /// The client's public key, if the handshake revealed it.
    pub key: Option<String>,
}

/// One snapshot of a path. Counters count from the beginning of the path in this session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PathStats {
    pub session: SessionHandle,
    pub path: PathId,
    /// 0 = no estimate yet.
    pub srtt_us: u32,
    pub rttvar_us: u32,
    pub min_rtt_us: u32,
    pub jitter_us: u32,
    /// Probes sent; how many of them were answered; how many were given up (unanswered for a PTO).
    #[ts(type = "number")]
    pub probes_sent: u64,
    #[ts(type = "number")]
    pub probes_answered: u64,
    #[ts(type = "number")]
    pub probes_lost: u64,
    /// The newest probe older than a PTO was answered, and no later probe is overdue. In redundant mode a probe is sent
    /// at every I; there fewer than three probes in a row are overdue.
    pub answering: bool,
    /// DATA messages that this end had sent on the path at the newest answered probe …
    #[ts(type = "number")]
    pub up_sent: u64,
    /// … and how many of them the peer had received.
    #[ts(type = "number")]
    pub up_received: u64,
    /// DATA messages that the peer had sent on the path at the newest probe received from it …
    #[ts(type = "number")]
    pub down_sent: u64,
    /// … and how many of them this end had received.
    #[ts(type = "number")]
    pub down_received: u64,
    #[ts(type = "number")]
    pub rx_bytes: u64,
    #[ts(type = "number")]
    pub tx_bytes: u64,
    /// Milliseconds since the last authenticated, first-arrived packet on this path; `u32::MAX` = never.
    pub heard_ms_ago: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum Report {
    // ---- the machine ------------------------------------------------------------------------------------------------
    /// First report, sent once: what the engine found and uses.
    Started {
        public_key: String,
        incarnation: u32,
        listen: Vec<SocketAddr>,
        tun: String,
        capabilities: Vec<String>,
        workers: u8,
        /// Why there is only one worker although the machine has processors for more.
        alone_because: Option<String>,
    },
    /// All interfaces: once at start and after any change.
    Links {
        links: Vec<Link>,
    },
    /// The engine cannot continue (for example, the TUN device is gone): the daemon ends.
    Fatal {
        what: String,
    },

    /// The engine could not execute a command: core and engine disagree. A command that came too late for its session,
    /// path or dial is not refused but counted as a drop; see `vocabulary/declined.rs`.
    Refused {
        /// The `type` of the command.
        command: String,
        /// The session of the command, if it names one.
        session: Option<SessionHandle>,
        /// The path that was not opened (`OpenPath`): no `PathError` follows.
        path: Option<PathId>,
        /// The dial that was not begun (`Dial`): no `HandshakeUnanswered` follows.
        dial: Option<u32>,
        /// At most 200 bytes.
        why: String,
    },

    /// The engine failed while it worked on a session, by a mistake of its own. The session is gone, with its keys and
    /// without CLOSE; no other session is concerned.
    SessionFaulted {
        session: SessionHandle,
        /// At most 200 bytes.
        why: String,
    },

    // ---- client -----------------------------------------------------------------------------------------------------
    PathOpened {
        path: PathId,
        local: SocketAddr,
    },
    /// A local hard error on a path (ENETUNREACH, EHOSTUNREACH, ENETDOWN, ENODEV, EADDRNOTAVAIL), or the path could not
    /// be opened.
    PathError {
        path: PathId,
        errno: String,
    },
    /// A valid RESP arrived. Nothing is confirmed yet: `ConfirmSession` or `ForgetSession` must follow.
    HandshakeDone {
        dial: u32,
        session: SessionHandle,
        session_id: String,
        path: PathId,
        gateway_key: String,
        incarnation: u32,
        #[ts(type = "number")]
        owner_epoch: u64,
        offer: Offer,
        /// What the gateway says about the session that the dial asked about.
        standing: Standing,
    },
    /// A valid RESP refused the client: it grants no session, and none of this client is live.
    HandshakeRefused {
        dial: u32,
        gateway_key: String,
        reason: String,
    },
    /// No RESP within 90 s.
    HandshakeUnanswered {
        dial: u32,
    },
    /// ASSIGN arrived for the first time, or with other content.
    Assigned {
        session: SessionHandle,
        assignment: Assignment,
    },
    /// The gateway denied an activation.
    AttachDenied {
        session: SessionHandle,
        path: PathId,
        #[ts(type = "number")]
        bind_seq: u64,
        reason: String,
        retry_after_ms: u32,
    },
    /// The activation was unanswered for 3·PTO.
    AttachUnanswered {
        session: SessionHandle,
        path: PathId,
        #[ts(type = "number")]
        bind_seq: u64,
    },
    SwitchRequested {
        session: SessionHandle,
        path: PathId,
        reason: String,
    },
    /// The gateway does not know this session's index (unauthenticated; at most one report per 10 s).
    Hinted {
        session: SessionHandle,
    },

    // ---- gateway ----------------------------------------------------------------------------------------------------
    /// First valid DATA of a pending session, on a path that has answered its challenge.
    HandshakeConfirmed {
        session: SessionHandle,
        session_id: String,
        client_key: String,
        path: PathId,
        description: PathDescription,
        /// Redundant sending was granted: the offer includes it, and the client supports it.
        redundant: bool,
    },
    /// A newer activation on a validated path: the core must answer with `AnswerAttach`.
    AttachRequested {
        session: SessionHandle,
        path: PathId,
        description: PathDescription,
        #[ts(type = "number")]
        bind_seq: u64,
        kind: AttachKind,
        reason: String,
    },
    /// Activations and new paths that the engine denied without asking the core. At most one report per session, reason
    /// and second; further denials are counted into the next report. When the core itself ends the session, denials
    /// since the last report are not reported.
    ActivationsDenied {
        session: SessionHandle,
        /// The path of the newest denial; the session may not have this path.
        path: PathId,
        reason: DenialReason,
        count: u32,
    },
    /// The client does not follow the newest `RequestSwitch`, which named this path.
    SwitchDenied {
        session: SessionHandle,
        path: PathId,
        reason: String,
        retry_after_ms: u32,
    },
    ChallengeResult {
        session: SessionHandle,
        answered: bool,
    },

    // ---- both -------------------------------------------------------------------------------------------------------
    /// Client: the gateway acknowledged this activation. This is the proof for ATTACHED.
    AttachValidated {
        session: SessionHandle,
        path: PathId,
        #[ts(type = "number")]
        bind_seq: u64,
    },
    /// A candidate answered its challenge (client: ATTACH_ACK; gateway: PATH_RESPONSE).
    PathValidated {
        session: SessionHandle,
        path: PathId,
        description: PathDescription,
        rtt_us: u32,
    },
    /// A candidate did not answer: 5 sends failed, or the validation time is over. The path is no candidate until it is
    /// added again.
    PathUnanswered {
        session: SessionHandle,
        path: PathId,
    },
    /// Gateway: the client has a new address on a path (an address translator changed it); both addresses were
    /// challenged. Not a switch.
    PathRebound {
        session: SessionHandle,
        path: PathId,
        description: PathDescription,
    },
    /// The peer closed a path.
    PathClosed {
        session: SessionHandle,
        path: PathId,
        reason: String,
    },
    /// The path was silent for longer than 2·I + margin while something was expected. Reported once per suspicion.
    PathSuspected {
        session: SessionHandle,
        path: PathId,
        silent_us: u32,
        limit_us: u32,
    },
    /// Something arrived on a suspected path before it was declared silent, even if it is not the send path any more.
    PathCleared {
        session: SessionHandle,
        path: PathId,
        silent_us: u32,
    },
    /// The path is silent for so long that the liveness rules call it dead: see `evidence`.
    PathSilent {
        session: SessionHandle,
        path: PathId,
        silent_us: u32,
        limit_us: u32,
        evidence: SilenceEvidence,
    },
    /// The largest outer IP packet in bytes that passes on a path: reported when a search has found it, and at each
    /// change. With `black_hole`, packets of the previous size were lost without an error: the new value holds until
    /// the new search ends.
    PathMtu {
        session: SessionHandle,
        path: PathId,
        mtu: u16,
        black_hole: bool,
    },
    /// A path that was silent, dead or never heard has answered a probe.
    PathAlive {
        session: SessionHandle,
        path: PathId,
        rtt_us: u32,
    },
    Stats {
        paths: Vec<PathStats>,
    },
    /// An authenticated message that no honest peer can produce. Messages that prove nothing are counted as drops.
    ValidationFailed {
        session: SessionHandle,
        kind: PeerFault,
        attributable: bool,
    },
    /// Unauthenticated or unattributable drops since the last report of this kind. At most one report per kind, second
    /// and worker (`address_table_full`: per batch of commands).
    Dropped {
        kind: Dropped,
        #[ts(type = "number")]
        count: u64,
        /// Who sent the newest of them; `None` if it was no outer datagram. A source address can be invented.
        sender: Option<Sender>,
    },
    PeerClosed {
        session: SessionHandle,
        reason: String,
    },
    KeyRotated {
        session: SessionHandle,
        epoch: u32,
        trigger: String,
    },
    /// The key has passed its hard age or limit: no inner packet is sent or accepted until a rekey.
    KeyExpired {
        session: SessionHandle,
        epoch: u32,
        trigger: String,
    },
    RekeyDenied {
        session: SessionHandle,
        epoch: u32,
        reason: String,
    },
}

/// What a gateway knows about a client's session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Standing {
    NotAsked,
    Live,
    /// The gateway ended it.
    Ended {
        reason: String,
    },
    /// The gateway does not have it, and does not know why.
    Unknown,
}

/// Why the engine denies an activation or a new path without asking the core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum DenialReason {
    /// The session has eight paths, or its peer requested more than 16 activations and new paths in one second.
    PathLimit,
    /// The peer names an older owner epoch of the session.
    OwnershipStale,
    /// SWITCH to a path that is not validated.
    PathNotValidated,
    /// More than 16 activations and new paths in one second.
    SwitchRateLimited,
}

impl DenialReason {
    pub(crate) const ALL: [Self; 4] =
        [Self::PathLimit, Self::OwnershipStale, Self::PathNotValidated, Self::SwitchRateLimited];

    /// The name on the wire and in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PathLimit => "path_limit",
            Self::OwnershipStale => "ownership_stale",
            Self::PathNotValidated => "path_not_validated",
            Self::SwitchRateLimited => "switch_rate_limited",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SilenceEvidence {
    /// A standby answered a probe sent after the suspicion; an answer on the suspected path had time to arrive and did
    /// not.
    StandbyAnswered,
    /// No standby answered for 3·PTO, at least 1 s.
    Timeout,
    /// For 3·I the peer has reported that it receives nothing on that path (`deaf on`).
    PeerDeaf,
}

/// The result of `drain`: at most 1,024 reports. `lost` counts the reports that did not fit into the queue (524,288):
/// the oldest `Stats` are removed first. If any other report is lost, the engine stops with `Fatal`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ReportBatch {
    pub reports: Vec<Timed>,
    #[ts(type = "number")]
    pub lost: u64,
    /// Number of reports that still wait: drain again after this batch.
    pub waiting: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Timed {
    #[ts(type = "number")]
    pub at_us: u64,
    pub report: Report,
}

/// The parameters with which an engine is started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EngineConfig {
    pub role: Role,
    /// Path of the private key file; refused if other users may read it.
    pub identity: String,
    /// Gateway: UDP addresses to listen on. Client: empty.
    pub listen: Vec<SocketAddr>,
    /// Name of the TUN device to create.
    pub tun: String,
    pub mtu: u16,
    /// Features to switch off: `tun_offload`, `udp_gso`, `udp_gro`, `aes_gcm`, `redundant`.
    pub disable: Vec<String>,
    /// Number of threads that move packets, at most 16; each has its own part of the sessions. 0 = chosen for the
    /// machine. A client has one session and one worker.
    pub workers: u8,
    /// SO_MARK of the outer sockets; 0 = none.
    pub mark: u32,
    /// Seconds until a rekey; seconds until a key is refused; packets until a rekey. 120, 180 and 2^27 (less if `mtu`
    /// is above 2032) unless a test lowers them.
    pub rekey_after_s: u32,
    pub reject_after_s: u32,
    #[ts(type = "number")]
    pub rekey_after_packets: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Gateway,
    Client,
}
