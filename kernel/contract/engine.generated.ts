// Generated from engine/proto/src/messages.rs by `npm run generate`. Do not edit.

export type SessionHandle = number;
export type PathId = number;

/** Maximum number of paths of one session, validated or not. */
export const PATHS_MAX = 8;

/** Age of a key at which it is renewed, seconds. */
export const REKEY_AFTER_S = 120;

/** Age at which a key may not carry packets any more, seconds. */
export const REJECT_AFTER_S = 180;

/** Packets under one key until it is renewed. */
export const REKEY_AFTER_PACKETS = 134217728;

/** Blocks of 16 bytes under one key until it is renewed. */
export const REKEY_AFTER_BLOCKS = 17179869184;

export type Role = "gateway" | "client";

/**
 * The parameters with which an engine is started.
 */
export type EngineConfig = {
  readonly role: Role;
  /**
   * Path of the private key file; refused if other users may read it.
   */
  readonly identity: string;
  /**
   * Gateway: UDP addresses to listen on. Client: empty.
   */
  readonly listen: readonly string[];
  /**
   * Name of the TUN device to create.
   */
  readonly tun: string;
  readonly mtu: number;
  /**
   * Features to switch off: `tun_offload`, `udp_gso`, `udp_gro`, `aes_gcm`, `redundant`.
   */
  readonly disable: readonly string[];
  /**
   * Number of threads that move packets, at most 16; each has its own part of the sessions. 0 = chosen for the
   * machine. A client has one session and one worker.
   */
  readonly workers: number;
  /**
   * SO_MARK of the outer sockets; 0 = none.
   */
  readonly mark: number;
  /**
   * Seconds until a rekey; seconds until a key is refused; packets until a rekey. 120, 180 and 2^27 (less if `mtu`
   * is above 2032) unless a test lowers them.
   */
  readonly rekeyAfterS: number;
  readonly rejectAfterS: number;
  readonly rekeyAfterPackets: number;
};

/**
 * What a gateway offers a client, taken from the client's policy. Sent in RESP; binding for both ends.
 */
export type Offer = {
  readonly lifetimeS: number;
  readonly transportLostTtlMs: number;
  readonly degradedMaxMs: number;
  readonly keepaliveMs: number;
  /**
   * The liveness interval I: realtime 10, normal 50, saver 250.
   */
  readonly livenessMs: number;
  readonly switchesPerMin: number;
  readonly cooldownMs: number;
  readonly recoveriesPerMin: number;
  readonly mtu: number;
  /**
   * Every inner packet is sent on two paths, in both directions. Granted only if the client supports it.
   */
  readonly redundant: boolean;
  readonly policyVersion: number;
  /**
   * First 8 bytes of the policy's digest, 16 hex digits.
   */
  readonly policyDigest: string;
};

/**
 * A client that a gateway knows.
 */
export type Peer = {
  readonly key: string;
  readonly offer: Offer;
};

/**
 * Inner addresses of a session, sent in ASSIGN.
 */
export type Assignment = {
  readonly v4: string | null;
  readonly v4Prefix: number;
  readonly v6: string | null;
  readonly v6Prefix: number;
  /**
   * At most 4.
   */
  readonly dns: readonly string[];
  readonly mtu: number;
};

/**
 * The transport of a path. The number is the one on the wire.
 */
export type TransportKind = "udp";

/**
 * Transport and both ends of a path. The labels that people read are made from this value only.
 */
export type PathDescription = {
  readonly transport: TransportKind;
  /**
   * Client: the address that the socket is bound to. Gateway: the address that the datagram was sent to; the
   * unspecified address if the kernel did not report it.
   */
  readonly local: string;
  readonly remote: string;
  /**
   * Client: the network interface that the socket is bound to. Gateway: none.
   */
  readonly interface: string | null;
};

/**
 * How the client requests an activation on the wire.
 */
export type AttachKind = "switch" | "reattach" | "revalidate";

export type Command =
  | { readonly type: "SetPeer"; readonly peer: Peer }
  | { readonly type: "RemovePeer"; readonly key: string; readonly reason: string }
  | { readonly type: "SetStanding"; readonly key: string; readonly sessionId: string; readonly ended: string | null }
  | { readonly type: "AcceptSession"; readonly session: number; readonly assignment: Assignment }
  | { readonly type: "RefuseSession"; readonly session: number; readonly reason: string }
  | { readonly type: "AnswerAttach"; readonly session: number; readonly path: number; readonly bindSeq: number; readonly denyReason: string | null; readonly retryAfterMs: number }
  | { readonly type: "ChallengeSession"; readonly session: number }
  | { readonly type: "RequestSwitch"; readonly session: number; readonly path: number; readonly reason: string }
  | { readonly type: "OpenPath"; readonly path: number; readonly ifindex: number; readonly description: PathDescription }
  | { readonly type: "ClosePath"; readonly path: number; readonly reason: string }
  | { readonly type: "Dial"; readonly dial: number; readonly gatewayKey: string; readonly paths: readonly number[]; readonly about: number | null }
  | { readonly type: "DialAlso"; readonly dial: number; readonly path: number }
  | { readonly type: "AbortDial"; readonly dial: number }
  | { readonly type: "ConfirmSession"; readonly session: number }
  | { readonly type: "AddCandidate"; readonly session: number; readonly path: number }
  | { readonly type: "Attach"; readonly session: number; readonly path: number; readonly bindSeq: number; readonly kind: AttachKind; readonly reason: string }
  | { readonly type: "AbortAttach"; readonly session: number; readonly bindSeq: number; readonly restore: number | null }
  | { readonly type: "DenySwitch"; readonly session: number; readonly path: number; readonly reason: string; readonly retryAfterMs: number }
  | { readonly type: "SetPathDead"; readonly session: number; readonly path: number; readonly dead: boolean }
  | { readonly type: "SetProbing"; readonly session: number; readonly intervalMs: number }
  | { readonly type: "CloseSession"; readonly session: number; readonly reason: string }
  | { readonly type: "ForgetSession"; readonly session: number };

/**
 * State of one network interface: all that a path needs.
 */
export type Link = {
  readonly name: string;
  readonly index: number;
  /**
   * The kernel's kind of a virtual link, such as `tun`, `wireguard` or `vlan`.
   */
  readonly kind: string | null;
  /**
   * Administratively up, with carrier.
   */
  readonly up: boolean;
  /**
   * Usable source addresses (no link-local, no tentative or deprecated IPv6).
   */
  readonly addresses: readonly string[];
  /**
   * Destination prefixes of the routes through this interface, as text: beyond the subnet (default or more specific)
   * or on-link only. At most 64; if there are more, the shortest prefixes are kept.
   */
  readonly routes: readonly string[];
};

/**
 * The sender of a datagram that had no effect.
 */
export type Sender = {
  readonly remote: string;
  /**
   * The client's public key, if the handshake revealed it.
   */
  readonly key: string | null;
};

/**
 * One snapshot of a path. Counters count from the beginning of the path in this session.
 */
export type PathStats = {
  readonly session: number;
  readonly path: number;
  /**
   * 0 = no estimate yet.
   */
  readonly srttUs: number;
  readonly rttvarUs: number;
  readonly minRttUs: number;
  readonly jitterUs: number;
  /**
   * Probes sent; how many of them were answered; how many were given up (unanswered for a PTO).
   */
  readonly probesSent: number;
  readonly probesAnswered: number;
  readonly probesLost: number;
  /**
   * The newest probe older than a PTO was answered, and no later probe is overdue. In redundant mode a probe is sent
   * at every I; there fewer than three probes in a row are overdue.
   */
  readonly answering: boolean;
  /**
   * DATA messages that this end had sent on the path at the newest answered probe …
   */
  readonly upSent: number;
  /**
   * … and how many of them the peer had received.
   */
  readonly upReceived: number;
  /**
   * DATA messages that the peer had sent on the path at the newest probe received from it …
   */
  readonly downSent: number;
  /**
   * … and how many of them this end had received.
   */
  readonly downReceived: number;
  readonly rxBytes: number;
  readonly txBytes: number;
  /**
   * Milliseconds since the last authenticated, first-arrived packet on this path; `u32::MAX` = never.
   */
  readonly heardMsAgo: number;
};

export type SilenceEvidence = "standby_answered" | "timeout" | "peer_deaf";

/**
 * What a gateway knows about a client's session.
 */
export type Standing =
  | { readonly type: "not_asked" }
  | { readonly type: "live" }
  | { readonly type: "ended"; readonly reason: string }
  | { readonly type: "unknown" };

/**
 * Why the engine denies an activation or a new path without asking the core.
 */
export type DenialReason = "path_limit" | "ownership_stale" | "path_not_validated" | "switch_rate_limited";

/**
 * Should a person look at every occurrence of a kind?
 */
export type KindClass = "ordinary" | "security";

/**
 * Who can cause a kind.
 */
export type Blame = "network" | "sender" | "peer" | "peer_alone" | "inside" | "host";

/**
 * A datagram, frame, packet or command that had no effect; the peer of a session cannot be the only one to blame.
 */
export type DropKind =
  | "empty_datagram"
  | "unknown_type"
  | "resume_unsupported"
  | "wrong_length"
  | "wrong_version"
  | "reserved_bits"
  | "message_of_the_other_role"
  | "unknown_index"
  | "other_worker"
  | "session_closed"
  | "path_mismatch"
  | "init_mac1"
  | "init_rate"
  | "init_repeated"
  | "init_ceiling"
  | "cookie_required"
  | "cookie_not_ours"
  | "hint_not_ours"
  | "no_dial"
  | "handshake_not_ours"
  | "handshake_mac"
  | "handshake_forged"
  | "handshake_payload"
  | "handshake_not_offered"
  | "handshake_finished"
  | "handshake_faulted"
  | "pq_unsupported"
  | "no_common_suite"
  | "no_common_version"
  | "unknown_peer"
  | "peer_removed"
  | "confirmed_per_key_full"
  | "session_evicted"
  | "session_unconfirmed"
  | "unknown_epoch"
  | "bad_tag"
  | "too_old"
  | "duplicate"
  | "session_not_ready"
  | "key_expired"
  | "session_not_confirmed"
  | "stale_bind_seq"
  | "stale_echo"
  | "stale_reply"
  | "stale_rekey"
  | "stale_switch_ack"
  | "stale_switch_request"
  | "stale_switch_deny"
  | "path_unknown"
  | "path_not_validated"
  | "challenge_flood"
  | "probe_flood"
  | "rekey_too_soon"
  | "rebinding_ignored"
  | "rebinding_limit"
  | "rebinding_busy"
  | "rebinding_unanswered"
  | "amplification_budget"
  | "control_ceiling"
  | "key_exhausted"
  | "outbox_full"
  | "size_probe_unsent"
  | "no_send_path"
  | "not_sealed"
  | "send_path_closed"
  | "send_buffer_full"
  | "send_too_long"
  | "send_refused"
  | "send_unreachable"
  | "inner_truncated"
  | "inner_version"
  | "inner_length"
  | "inner_header_too_long"
  | "inner_checksum_field"
  | "inner_superframe"
  | "inner_partial_checksum"
  | "inner_unroutable"
  | "inner_too_big"
  | "inner_source"
  | "tun_write"
  | "command_too_late"
  | "address_table_full";

/**
 * Messages that no honest peer produces, whatever the network does to them.
 */
export type PeerFault =
  | "undecodable_plaintext"
  | "undecodable_frames"
  | "frame_of_the_other_role"
  | "future_owner_epoch"
  | "future_epoch"
  | "low_order_point"
  | "echo_never_issued"
  | "path_zero"
  | "bind_seq_range";

/**
 * The kind of a counted drop. A peer fault is counted too, when there are too many to report each one by itself.
 */
export type DroppedKind = DropKind | PeerFault;

export type Report =
  | { readonly type: "Started"; readonly publicKey: string; readonly incarnation: number; readonly listen: readonly string[]; readonly tun: string; readonly capabilities: readonly string[]; readonly workers: number; readonly aloneBecause: string | null }
  | { readonly type: "Links"; readonly links: readonly Link[] }
  | { readonly type: "Fatal"; readonly what: string }
  | { readonly type: "Refused"; readonly command: string; readonly session: number | null; readonly path: number | null; readonly dial: number | null; readonly why: string }
  | { readonly type: "SessionFaulted"; readonly session: number; readonly why: string }
  | { readonly type: "PathOpened"; readonly path: number; readonly local: string }
  | { readonly type: "PathError"; readonly path: number; readonly errno: string }
  | { readonly type: "HandshakeDone"; readonly dial: number; readonly session: number; readonly sessionId: string; readonly path: number; readonly gatewayKey: string; readonly incarnation: number; readonly ownerEpoch: number; readonly offer: Offer; readonly standing: Standing }
  | { readonly type: "HandshakeRefused"; readonly dial: number; readonly gatewayKey: string; readonly reason: string }
  | { readonly type: "HandshakeUnanswered"; readonly dial: number }
  | { readonly type: "Assigned"; readonly session: number; readonly assignment: Assignment }
  | { readonly type: "AttachDenied"; readonly session: number; readonly path: number; readonly bindSeq: number; readonly reason: string; readonly retryAfterMs: number }
  | { readonly type: "AttachUnanswered"; readonly session: number; readonly path: number; readonly bindSeq: number }
  | { readonly type: "SwitchRequested"; readonly session: number; readonly path: number; readonly reason: string }
  | { readonly type: "Hinted"; readonly session: number }
  | { readonly type: "HandshakeConfirmed"; readonly session: number; readonly sessionId: string; readonly clientKey: string; readonly path: number; readonly description: PathDescription; readonly redundant: boolean }
  | { readonly type: "AttachRequested"; readonly session: number; readonly path: number; readonly description: PathDescription; readonly bindSeq: number; readonly kind: AttachKind; readonly reason: string }
  | { readonly type: "ActivationsDenied"; readonly session: number; readonly path: number; readonly reason: DenialReason; readonly count: number }
  | { readonly type: "SwitchDenied"; readonly session: number; readonly path: number; readonly reason: string; readonly retryAfterMs: number }
  | { readonly type: "ChallengeResult"; readonly session: number; readonly answered: boolean }
  | { readonly type: "AttachValidated"; readonly session: number; readonly path: number; readonly bindSeq: number }
  | { readonly type: "PathValidated"; readonly session: number; readonly path: number; readonly description: PathDescription; readonly rttUs: number }
  | { readonly type: "PathUnanswered"; readonly session: number; readonly path: number }
  | { readonly type: "PathRebound"; readonly session: number; readonly path: number; readonly description: PathDescription }
  | { readonly type: "PathClosed"; readonly session: number; readonly path: number; readonly reason: string }
  | { readonly type: "PathSuspected"; readonly session: number; readonly path: number; readonly silentUs: number; readonly limitUs: number }
  | { readonly type: "PathCleared"; readonly session: number; readonly path: number; readonly silentUs: number }
  | { readonly type: "PathSilent"; readonly session: number; readonly path: number; readonly silentUs: number; readonly limitUs: number; readonly evidence: SilenceEvidence }
  | { readonly type: "PathMtu"; readonly session: number; readonly path: number; readonly mtu: number; readonly blackHole: boolean }
  | { readonly type: "PathAlive"; readonly session: number; readonly path: number; readonly rttUs: number }
  | { readonly type: "Stats"; readonly paths: readonly PathStats[] }
  | { readonly type: "ValidationFailed"; readonly session: number; readonly kind: PeerFault; readonly attributable: boolean }
  | { readonly type: "Dropped"; readonly kind: DroppedKind; readonly count: number; readonly sender: Sender | null }
  | { readonly type: "PeerClosed"; readonly session: number; readonly reason: string }
  | { readonly type: "KeyRotated"; readonly session: number; readonly epoch: number; readonly trigger: string }
  | { readonly type: "KeyExpired"; readonly session: number; readonly epoch: number; readonly trigger: string }
  | { readonly type: "RekeyDenied"; readonly session: number; readonly epoch: number; readonly reason: string };

export type Timed = {
  readonly atUs: number;
  readonly report: Report;
};

/**
 * The result of `drain`: at most 1,024 reports. `lost` counts the reports that did not fit into the queue (524,288):
 * the oldest `Stats` are removed first. If any other report is lost, the engine stops with `Fatal`.
 */
export type ReportBatch = {
  readonly reports: readonly Timed[];
  readonly lost: number;
  /**
   * Number of reports that still wait: drain again after this batch.
   */
  readonly waiting: number;
};

/** Class, blame and text of each kind. Source: engine/proto/src/vocabulary/blame.rs. */
export const ENGINE_KINDS: Readonly<
  Record<DropKind | PeerFault, { readonly class: KindClass; readonly blame: Blame; readonly text: string }>
> = {
  empty_datagram: { class: "security", blame: "sender", text: "a datagram has no bytes" },
  unknown_type: { class: "security", blame: "sender", text: "the type of a message is unknown" },
  resume_unsupported: { class: "security", blame: "sender", text: "a message asks to resume a session, which this version cannot do" },
  wrong_length: { class: "security", blame: "sender", text: "a message is longer or shorter than its type allows" },
  wrong_version: { class: "security", blame: "sender", text: "a message names another version of the protocol" },
  reserved_bits: { class: "security", blame: "sender", text: "a message sets bits that have no meaning in this version" },
  message_of_the_other_role: { class: "security", blame: "sender", text: "a client got a message for gateways, or a gateway one for clients" },
  unknown_index: { class: "security", blame: "sender", text: "no session has the index of a message; often its session had just ended" },
  other_worker: { class: "ordinary", blame: "network", text: "a message reached a worker that does not have its session" },
  session_closed: { class: "security", blame: "sender", text: "a message belongs to a session that is closing" },
  path_mismatch: { class: "security", blame: "network", text: "a message came from an address that does not belong to its path" },
  init_mac1: { class: "security", blame: "sender", text: "the sender of an INIT does not know the gateway's public key" },
  init_rate: { class: "security", blame: "sender", text: "one address sends more INITs than it may" },
  init_repeated: { class: "security", blame: "sender", text: "one INIT was repeated more often than a client does" },
  init_ceiling: { class: "security", blame: "sender", text: "more INITs arrive per second than the gateway opens" },
  cookie_required: { class: "security", blame: "sender", text: "an INIT got a COOKIE as answer, because of load or the rate of its address" },
  cookie_not_ours: { class: "security", blame: "sender", text: "a COOKIE does not answer the INIT that was sent, or comes too often" },
  hint_not_ours: { class: "security", blame: "sender", text: "a HINT names no session of this client, or came from another address" },
  no_dial: { class: "security", blame: "network", text: "a RESP arrived while no handshake was running" },
  handshake_not_ours: { class: "security", blame: "sender", text: "a handshake message does not belong to the handshake that is running" },
  handshake_mac: { class: "security", blame: "sender", text: "a handshake message has a wrong message authentication code" },
  handshake_forged: { class: "security", blame: "sender", text: "a handshake message is not sealed by the expected key" },
  handshake_payload: { class: "security", blame: "peer", text: "the sealed part of a handshake message cannot be read" },
  handshake_not_offered: { class: "security", blame: "peer", text: "a RESP grants what the INIT did not offer" },
  handshake_finished: { class: "security", blame: "network", text: "a RESP was already read" },
  handshake_faulted: { class: "security", blame: "host", text: "the engine failed, by a mistake of its own, over a handshake message" },
  pq_unsupported: { class: "security", blame: "peer", text: "a client demands a post-quantum handshake, which this version cannot do" },
  no_common_suite: { class: "security", blame: "peer", text: "client and gateway have no cipher in common" },
  no_common_version: { class: "security", blame: "peer", text: "client and gateway have no version of the protocol in common" },
  unknown_peer: { class: "security", blame: "sender", text: "the key of a client is not in the gateway's configuration" },
  peer_removed: { class: "security", blame: "sender", text: "the key of a client was removed from the gateway's configuration: it was told so" },
  confirmed_per_key_full: { class: "security", blame: "peer", text: "one client key confirmed too many sessions in a short time" },
  session_evicted: { class: "security", blame: "peer", text: "an unconfirmed session was replaced by a newer one of the same key" },
  session_unconfirmed: { class: "ordinary", blame: "network", text: "a client did not confirm its session in time" },
  unknown_epoch: { class: "security", blame: "network", text: "a message is sealed with a key that this end does not have, or has dropped" },
  bad_tag: { class: "security", blame: "sender", text: "a message is not sealed with the key of its session, or was changed in transit" },
  too_old: { class: "security", blame: "network", text: "a message is older than the window that detects replays" },
  duplicate: { class: "ordinary", blame: "network", text: "a message arrived before" },
  session_not_ready: { class: "ordinary", blame: "network", text: "an inner packet arrived before its session was accepted" },
  key_expired: { class: "ordinary", blame: "peer", text: "an inner packet is sealed with a key that is past its age or its limit" },
  session_not_confirmed: { class: "security", blame: "network", text: "a frame arrived before its session was confirmed" },
  stale_bind_seq: { class: "security", blame: "network", text: "an activation is older than the newest one" },
  stale_echo: { class: "security", blame: "network", text: "the answer to a challenge is late" },
  stale_reply: { class: "security", blame: "network", text: "the answer to a probe is late, for example after a jump" },
  stale_rekey: { class: "security", blame: "network", text: "a message belongs to an older rekey" },
  stale_switch_ack: { class: "security", blame: "network", text: "an answer belongs to a switch that is over" },
  stale_switch_request: { class: "ordinary", blame: "network", text: "a switch request of the gateway was already received" },
  stale_switch_deny: { class: "ordinary", blame: "network", text: "the denial of a switch request belongs to a request that is over" },
  path_unknown: { class: "security", blame: "network", text: "a frame names a path that the session does not have" },
  path_not_validated: { class: "ordinary", blame: "network", text: "a new path did not answer its challenge" },
  challenge_flood: { class: "security", blame: "peer", text: "a path was challenged again before the answer to the first challenge had left" },
  probe_flood: { class: "security", blame: "peer", text: "a path was probed again before the answer to the first probe had left" },
  rekey_too_soon: { class: "security", blame: "peer", text: "the peer rekeys more often than it may" },
  rebinding_ignored: { class: "security", blame: "peer", text: "an address that was refused a short time ago sends for a path again" },
  rebinding_limit: { class: "security", blame: "peer", text: "a session changes its addresses more often than it may" },
  rebinding_busy: { class: "security", blame: "peer", text: "two new addresses of one path are already being examined" },
  rebinding_unanswered: { class: "security", blame: "network", text: "the new address of a path did not answer its challenge" },
  amplification_budget: { class: "security", blame: "sender", text: "an unvalidated address already got three times the bytes that it sent" },
  control_ceiling: { class: "security", blame: "peer", text: "one session caused more control messages at once than it may" },
  key_exhausted: { class: "security", blame: "peer", text: "no message can be sealed: the key is used up and was not replaced" },
  outbox_full: { class: "ordinary", blame: "host", text: "the queue of control messages is full" },
  size_probe_unsent: { class: "ordinary", blame: "host", text: "a probe for the packet size of a path could not be sealed" },
  no_send_path: { class: "ordinary", blame: "network", text: "there was no path for an inner packet, and it could not be held" },
  not_sealed: { class: "security", blame: "host", text: "an inner packet could not be sealed: its session has ended or has no key" },
  send_path_closed: { class: "security", blame: "host", text: "the socket of a path was closed before a message could leave" },
  send_buffer_full: { class: "security", blame: "host", text: "the send buffer of a socket is full" },
  send_too_long: { class: "ordinary", blame: "host", text: "a message is longer than the link allows" },
  send_refused: { class: "security", blame: "host", text: "the kernel refused to send a message" },
  send_unreachable: { class: "ordinary", blame: "host", text: "the kernel has no route to an address, for example because a link was lost" },
  inner_truncated: { class: "security", blame: "inside", text: "an inner packet ends inside a header" },
  inner_version: { class: "security", blame: "inside", text: "an inner packet is neither IPv4 nor IPv6" },
  inner_length: { class: "security", blame: "inside", text: "a length in a header of an inner packet does not match the packet" },
  inner_header_too_long: { class: "security", blame: "inside", text: "the headers of an inner packet are longer than supported" },
  inner_checksum_field: { class: "security", blame: "inside", text: "the checksum field of an inner packet lies outside the packet" },
  inner_superframe: { class: "security", blame: "host", text: "a frame that the kernel merged does not match its headers" },
  inner_partial_checksum: { class: "security", blame: "inside", text: "an inner packet has a partial checksum that cannot be completed" },
  inner_unroutable: { class: "ordinary", blame: "inside", text: "no session has the destination of an inner packet" },
  inner_too_big: { class: "ordinary", blame: "inside", text: "an inner packet is too long for the path; its sender got an ICMP error" },
  inner_source: { class: "security", blame: "inside", text: "an inner packet has another source than an address of its session" },
  tun_write: { class: "ordinary", blame: "host", text: "the tunnel device did not take an inner packet" },
  command_too_late: { class: "ordinary", blame: "host", text: "a command of the core named a session, path or dial that had just ended" },
  address_table_full: { class: "security", blame: "host", text: "the kernel's table of workers has no room for the address of a session" },
  undecodable_plaintext: { class: "security", blame: "peer_alone", text: "a sealed message holds neither a packet nor frames" },
  undecodable_frames: { class: "security", blame: "peer_alone", text: "a sealed message holds frames that cannot be read" },
  frame_of_the_other_role: { class: "security", blame: "peer_alone", text: "a peer sent a frame that only the other role may send" },
  future_owner_epoch: { class: "security", blame: "peer_alone", text: "an activation names an owner of the session that does not exist yet" },
  future_epoch: { class: "security", blame: "peer_alone", text: "a rekey skips an epoch" },
  low_order_point: { class: "security", blame: "peer_alone", text: "a public key has low order: anybody can compute the secret" },
  echo_never_issued: { class: "security", blame: "peer_alone", text: "an answer echoes a challenge or a probe that was never sent" },
  path_zero: { class: "security", blame: "peer_alone", text: "an activation names path 0, which means no path" },
  bind_seq_range: { class: "security", blame: "peer_alone", text: "an activation has a number that the core cannot represent exactly" },
};
