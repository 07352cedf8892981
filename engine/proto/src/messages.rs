//! What crosses the binding between the engine and the deciding core: commands in, reports out.
//!
//! This file is the one source of these shapes. The TypeScript types in `kernel/contract/engine.generated.ts` are generated
//! from it (`npm run generate`). Times are microseconds of `CLOCK_BOOTTIME`. Keys are the text form `jvpk1:…` of a public key;
//! nothing in this file can carry a secret.
//!
//! A *session* is a local handle (`u32`, never reused within a process). A *path* is the client-chosen path id, the same number
//! on both ends, never reused within a session. *Bind seq* rises with every activating message (see `docs/spec`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::vocabulary::blame::{Dropped, PeerFault};
use crate::wire::codec::byte_enum;

/// Most bytes of a text in a report that says why something went wrong.
pub const TEXT_MAX: usize = 200;

/// Local handle of a session.
pub type SessionHandle = u32;
/// Id of a path inside a session. On the client it is unique for the life of the process, because paths exist before a session.
pub type PathId = u32;

/// What a gateway offers a client, taken from the policy that applies to it. Travels in RESP; binding for both ends.
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
    /// Every inner packet goes out on two paths, in both directions. Granted only to a client that can.
    pub redundant: bool,
    #[ts(type = "number")]
    pub policy_version: u64,
    /// First 8 bytes of the policy's digest, 16 hex digits.
    pub policy_digest: String,
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
    /// What carries a path. The number is the one on the wire.
    #[derive(Serialize, Deserialize, TS)]
    #[serde(rename_all = "snake_case")]
    #[ts(rename = "TransportKind")]
    pub enum Transport {
        Udp = 1,
    }
}

/// What a path is: its carrier and both ends of it. Labels for people are made from this value and from nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PathDescription {
    pub transport: Transport,
    /// Client: the address that the socket is bound to. Gateway: the address that was reached; the unspecified one if
    /// the kernel did not say it.
    pub local: IpAddr,
    pub remote: SocketAddr,
    /// Client: the network interface that the socket is bound to. Gateway: none.
    pub interface: Option<String>,
}

/// How an activation is asked for on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum AttachKind {
    /// The target is a validated candidate: SWITCH.
    Switch,
    /// The target is not validated yet: ATTACH kind 1.
    Reattach,
    /// The active path proves itself again: ATTACH kind 2.
    Revalidate,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum Command {
    // ---- gateway: who may come --------------------------------------------------------------------------------------
    /// Adds a known client or replaces its offer. At most 131,072.
    SetPeer {
        peer: Peer,
    },
    /// Forgets a client key: later INITs of it get silence. Running sessions are not touched.
    RemovePeer {
        key: String,
    },
    /// The core took a confirmed session: inner packets flow, ASSIGN is sent and retried.
    AcceptSession {
        session: SessionHandle,
        assignment: Assignment,
    },
    /// The core refused a confirmed session: CLOSE with the reason, keys are dropped.
    RefuseSession {
        session: SessionHandle,
        reason: String,
    },
    /// Answer to `AttachRequested`. `deny_reason` absent = bind: the path becomes the send path and is acknowledged.
    AnswerAttach {
        session: SessionHandle,
        path: PathId,
        #[ts(type = "number")]
        bind_seq: u64,
        deny_reason: Option<String>,
        retry_after_ms: u32,
    },
    /// Does any path of this session still answer? `ChallengeResult` within 3·PTO (bounded to 0.2 … 3 s).
    ChallengeSession {
        session: SessionHandle,
    },
    /// The gateway's wish that the client moves: SWITCH_REQUEST, at most 5 sends at PTO.
    RequestSwitch {
        session: SessionHandle,
        path: PathId,
        reason: String,
    },

    // ---- client: dialling and paths ---------------------------------------------------------------------------------
    /// Opens a socket bound to the interface and the local address. Answered by `PathOpened` or `PathError`.
    /// The path exists apart from any session: a dial and each later session of this client use it.
    OpenPath {
        path: PathId,
        ifindex: u32,
        description: PathDescription,
    },
    /// Closes the socket. With a live session, PATH_CLOSE is sent on another path.
    ClosePath {
        path: PathId,
        reason: String,
    },
    /// Starts a handshake with the gateway key, raced over the open paths in this order. Only one dial at a time.
    Dial {
        dial: u32,
        gateway_key: String,
        paths: Vec<PathId>,
    },
    /// Adds a path that has opened meanwhile to the running dial.
    DialAlso {
        dial: u32,
        path: PathId,
    },
    AbortDial {
        dial: u32,
    },
    /// The core took the session of `HandshakeDone`: ATTACH kind 1 goes out on the path on which RESP came (bind seq 1).
    /// Answered by `AttachValidated` with bind seq 1, `AttachDenied` or `AttachUnanswered`.
    ConfirmSession {
        session: SessionHandle,
    },
    /// Sends ATTACH kind 0 on an open path: a candidate. Answered by `PathValidated` or `PathUnanswered`.
    AddCandidate {
        session: SessionHandle,
        path: PathId,
    },
    /// Activation of a path: the send path moves there at once. Retried at PTO, at most 5 sends.
    Attach {
        session: SessionHandle,
        path: PathId,
        #[ts(type = "number")]
        bind_seq: u64,
        kind: AttachKind,
        reason: String,
    },
    /// Stops retrying an attempt. `restore` = the send path afterwards (none: inner packets have no path).
    AbortAttach {
        session: SessionHandle,
        #[ts(type = "number")]
        bind_seq: u64,
        restore: Option<PathId>,
    },

    // ---- both -------------------------------------------------------------------------------------------------------
    /// The core's verdict on a path. A dead path is not sent on (except probes) and, were it the send path, leaves none.
    SetPathDead {
        session: SessionHandle,
        path: PathId,
        dead: bool,
    },
    /// Probe every path of the session at this interval, whatever the traffic. 0 = back to the driven-by-traffic rule.
    SetProbing {
        session: SessionHandle,
        interval_ms: u32,
    },
    /// CLOSE on all live paths (sealed at once, at most 3 sends at PTO), then the keys are dropped.
    CloseSession {
        session: SessionHandle,
        reason: String,
    },
    /// Drops keys and state at once, says nothing to the peer.
    ForgetSession {
        session: SessionHandle,
    },
}

impl Command {
    /// The session that it is about.
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
            | Self::SetPathDead { session, .. }
            | Self::SetProbing { session, .. }
            | Self::CloseSession { session, .. }
            | Self::ForgetSession { session } => Some(*session),
            Self::SetPeer { .. }
            | Self::RemovePeer { .. }
            | Self::OpenPath { .. }
            | Self::ClosePath { .. }
            | Self::Dial { .. }
            | Self::DialAlso { .. }
            | Self::AbortDial { .. } => None,
        }
    }

    /// The `type` that it has in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SetPeer { .. } => "SetPeer",
            Self::RemovePeer { .. } => "RemovePeer",
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
            Self::SetPathDead { .. } => "SetPathDead",
            Self::SetProbing { .. } => "SetProbing",
            Self::CloseSession { .. } => "CloseSession",
            Self::ForgetSession { .. } => "ForgetSession",
        }
    }

    /// The path that is opened, or the dial that is begun: what waits for an answer that names no session.
    pub(crate) fn awaits(&self) -> (Option<PathId>, Option<u32>) {
        match self {
            Self::OpenPath { path, .. } => (Some(*path), None),
            Self::Dial { dial, .. } => (None, Some(*dial)),
            _ => (None, None),
        }
    }
}

/// State of one network interface with what a path needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    pub name: String,
    pub index: u32,
    /// Administratively up, with carrier.
    pub up: bool,
    /// Usable source addresses (no link-local, no tentative or deprecated IPv6).
    pub addresses: Vec<IpAddr>,
    /// A route through this interface exists: to anything beyond the subnet (default or more specific), or only on-link.
    /// Destination prefixes as text, at most 64 (more: the shortest prefixes are kept).
    pub routes: Vec<String>,
}

/// One snapshot of a path. Counters are cumulative over the life of the path in this session.
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
    /// Probes sent, and of these answered, and given up (unanswered for a PTO).
    #[ts(type = "number")]
    pub probes_sent: u64,
    #[ts(type = "number")]
    pub probes_answered: u64,
    #[ts(type = "number")]
    pub probes_lost: u64,
    /// The newest probe that is older than a PTO was answered, and none after it is overdue; in redundant mode, where a probe goes
    /// out at every I, fewer than three in a row are.
    pub answering: bool,
    /// DATA messages this end sent on the path, as of the newest answered probe …
    #[ts(type = "number")]
    pub up_sent: u64,
    /// … and how many of these the peer had received.
    #[ts(type = "number")]
    pub up_received: u64,
    /// DATA messages the peer sent on the path, as of the newest probe heard from it …
    #[ts(type = "number")]
    pub down_sent: u64,
    /// … and how many of these this end had received.
    #[ts(type = "number")]
    pub down_received: u64,
    #[ts(type = "number")]
    pub rx_bytes: u64,
    #[ts(type = "number")]
    pub tx_bytes: u64,
    /// Milliseconds since an authenticated first-arrival packet on this path; `u32::MAX` = never.
    pub heard_ms_ago: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum Report {
    // ---- the machine -------------------------------------------------------------------------------------------------
    /// First report, once: what was found and is used.
    Started {
        public_key: String,
        incarnation: u32,
        listen: Vec<SocketAddr>,
        tun: String,
        capabilities: Vec<String>,
        workers: u8,
        /// Why there is one worker where the machine has processors for more.
        alone_because: Option<String>,
    },
    /// All interfaces, after any change and once at start.
    Links {
        links: Vec<Link>,
    },
    /// The engine cannot go on (TUN gone, …): the daemon ends.
    Fatal {
        what: String,
    },

    /// The engine could not carry out a command: core and engine disagree. A command that came too late for its
    /// session, path or dial is not refused but counted as dropped; see `endpoint/declined.rs`.
    Refused {
        /// The `type` of the command.
        command: String,
        /// `None`: the command is about none.
        session: Option<SessionHandle>,
        /// The path that is not opened (`OpenPath`): no `PathError` follows.
        path: Option<PathId>,
        /// The dial that is not begun (`Dial`): no `HandshakeUnanswered` follows.
        dial: Option<u32>,
        /// At most 200 bytes.
        why: String,
    },

    // ---- client ------------------------------------------------------------------------------------------------------
    PathOpened {
        path: PathId,
        local: SocketAddr,
    },
    /// A local hard error on a path: ENETUNREACH, EHOSTUNREACH, ENETDOWN, ENODEV, EADDRNOTAVAIL, or that opening failed.
    PathError {
        path: PathId,
        errno: String,
    },
    /// A valid RESP. Nothing is confirmed yet: `ConfirmSession` or `ForgetSession` follows.
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
    },
    /// No RESP within 90 s.
    HandshakeUnanswered {
        dial: u32,
    },
    /// ASSIGN arrived (or changed).
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
    /// Unanswered for 3·PTO.
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
    /// The gateway does not know our session index (unauthenticated; at most one report per 10 s).
    Hinted {
        session: SessionHandle,
    },

    // ---- gateway -----------------------------------------------------------------------------------------------------
    /// First valid DATA of a pending session, on a path that has answered a challenge.
    HandshakeConfirmed {
        session: SessionHandle,
        session_id: String,
        client_key: String,
        path: PathId,
        description: PathDescription,
        /// Redundant sending was granted: the offer has it, and the client can do it.
        redundant: bool,
    },
    /// A newer activation on a path that is validated: the core answers with `AnswerAttach`.
    AttachRequested {
        session: SessionHandle,
        path: PathId,
        description: PathDescription,
        #[ts(type = "number")]
        bind_seq: u64,
        kind: AttachKind,
        reason: String,
    },
    /// Activations and new paths that the engine denied by itself, in answer to the peer. At most one report for a
    /// session, reason and second; the others are counted into the next one. What was counted since the last report
    /// goes with a session that the core itself ends.
    ActivationsDenied {
        session: SessionHandle,
        /// The path of the newest denial; the session may not have it.
        path: PathId,
        reason: DenialReason,
        count: u32,
    },
    ChallengeResult {
        session: SessionHandle,
        answered: bool,
    },

    // ---- both --------------------------------------------------------------------------------------------------------
    /// The gateway acknowledged this activation (client only): the proof for ATTACHED.
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
    /// A candidate did not: 5 sends, or the validation time passed. The path is no candidate until it is added again.
    PathUnanswered {
        session: SessionHandle,
        path: PathId,
    },
    /// Gateway: the client of a path has a new address (an address translator's doing); both addresses were asked. Not a switch.
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
    /// Silence past 2·I + margin while something was expected. Once per suspicion.
    PathSuspected {
        session: SessionHandle,
        path: PathId,
        silent_us: u32,
        limit_us: u32,
    },
    /// A suspected path was heard again before it was declared silent; also one that was left meanwhile.
    PathCleared {
        session: SessionHandle,
        path: PathId,
        silent_us: u32,
    },
    /// Silence that means death by the rules of liveness: see `evidence`.
    PathSilent {
        session: SessionHandle,
        path: PathId,
        silent_us: u32,
        limit_us: u32,
        evidence: SilenceEvidence,
    },
    /// The largest outer IP packet that passes from here on a path, bytes, once a search has found it and whenever it changes. With
    /// `black_hole` packets of the size before were swallowed in silence: this one holds until the new search has ended.
    PathMtu {
        session: SessionHandle,
        path: PathId,
        mtu: u16,
        black_hole: bool,
    },
    /// A path that was silent, dead or never heard answered a probe.
    PathAlive {
        session: SessionHandle,
        path: PathId,
        rtt_us: u32,
    },
    Stats {
        paths: Vec<PathStats>,
    },
    /// An authenticated message that no honest peer can produce. What proves nothing is counted as dropped.
    ValidationFailed {
        session: SessionHandle,
        kind: PeerFault,
        attributable: bool,
    },
    /// Unauthenticated or unattributable drops since the last report of the kind, at most one per kind, second and worker
    /// (`address_table_full`: per batch of commands).
    Dropped {
        kind: Dropped,
        #[ts(type = "number")]
        count: u64,
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
    /// The key is past its hard age or limit: no inner packet moves until a rekey.
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

/// Why the engine denies an activation, or a new path, without asking the core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum DenialReason {
    /// The session has eight paths, or its peer asked for more than 16 activations and new paths in a second.
    PathLimit,
    /// The peer names an older owner of the session.
    OwnershipStale,
    /// SWITCH to a path that is not validated.
    PathNotValidated,
    /// More than 16 activations and new paths in a second.
    SwitchRateLimited,
}

impl DenialReason {
    pub(crate) const ALL: [Self; 4] =
        [Self::PathLimit, Self::OwnershipStale, Self::PathNotValidated, Self::SwitchRateLimited];

    /// As the wire and JSON have it.
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
    /// Another path answered a probe sent after the suspicion, while the path's own probe had its chance.
    StandbyAnswered,
    /// No standby answered; 3·PTO, at least 1 s.
    Timeout,
    /// The peer says that it does not hear us on that path (`deaf on`), for 3·I.
    PeerDeaf,
}

/// What `drain` returns: at most 1,024 reports; `lost` counts reports that did not fit the bounded queue (524,288), oldest
/// `Stats` first; any other loss makes the engine stop with `Fatal`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ReportBatch {
    pub reports: Vec<Timed>,
    #[ts(type = "number")]
    pub lost: u64,
    /// Reports that still wait: drain again after this batch was handled.
    pub waiting: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Timed {
    #[ts(type = "number")]
    pub at_us: u64,
    pub report: Report,
}

/// How an engine is started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EngineConfig {
    pub role: Role,
    /// Path of the private key file; refused if others may read it.
    pub identity: String,
    /// Gateway: UDP addresses to listen on. Client: empty.
    pub listen: Vec<SocketAddr>,
    /// Name of the TUN device to create.
    pub tun: String,
    pub mtu: u16,
    /// Each may be switched off: `tun_offload`, `udp_gso`, `udp_gro`, `aes_gcm`, `redundant`.
    pub disable: Vec<String>,
    /// Threads that move packets, each with its own part of the sessions, at most 16; 0 = as many as suit the machine. A client has
    /// one session, and one worker.
    pub workers: u8,
    /// SO_MARK of the outer sockets; 0 = none.
    pub mark: u32,
    /// Seconds until a rekey and until a key is refused, packets until a rekey: 120, 180, 2^27 unless a test lowers them.
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
