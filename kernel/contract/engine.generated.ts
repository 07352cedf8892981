// Generated from engine/proto/src/messages.rs by `npm run generate`. Do not edit.

export type SessionHandle = number;
export type PathId = number;

export type Role = "gateway" | "client";

/**
 * How an engine is started.
 */
export type EngineConfig = {
  readonly role: Role;
  /**
   * Path of the private key file; refused if others may read it.
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
   * Each may be switched off: `tun_offload`, `udp_gso`, `udp_gro`, `aes_gcm`, `redundant`.
   */
  readonly disable: readonly string[];
  /**
   * Threads that move packets, each with its own part of the sessions, at most 16; 0 = as many as suit the machine. A client has
   * one session, and one worker.
   */
  readonly workers: number;
  /**
   * SO_MARK of the outer sockets; 0 = none.
   */
  readonly mark: number;
  /**
   * Seconds until a rekey and until a key is refused, packets until a rekey: 120, 180, 2^27 unless a test lowers them.
   */
  readonly rekeyAfterS: number;
  readonly rejectAfterS: number;
  readonly rekeyAfterPackets: number;
};

/**
 * What a gateway offers a client, taken from the policy that applies to it. Travels in RESP; binding for both ends.
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
   * Every inner packet goes out on two paths, in both directions. Granted only to a client that can.
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
 * What carries a path. The number is the one on the wire.
 */
export type TransportKind = "udp";

/**
 * What a path is: its carrier and both ends of it. Labels for people are made from this value and from nothing else.
 */
export type PathDescription = {
  readonly transport: TransportKind;
  /**
   * Client: the address that the socket is bound to. Gateway: the address that was reached; the unspecified one if the kernel
   * did not say it.
   */
  readonly local: string;
  readonly remote: string;
  /**
   * Client: the network interface that the socket is bound to. Gateway: none.
   */
  readonly interface: string | null;
};

/**
 * How an activation is asked for on the wire.
 */
export type AttachKind = "switch" | "reattach" | "revalidate";

export type Command =
  | { readonly type: "SetPeer"; readonly peer: Peer }
  | { readonly type: "RemovePeer"; readonly key: string }
  | { readonly type: "AcceptSession"; readonly session: number; readonly assignment: Assignment }
  | { readonly type: "RefuseSession"; readonly session: number; readonly reason: string }
  | { readonly type: "AnswerAttach"; readonly session: number; readonly path: number; readonly bindSeq: number; readonly denyReason: string | null; readonly retryAfterMs: number }
  | { readonly type: "ChallengeSession"; readonly session: number }
  | { readonly type: "RequestSwitch"; readonly session: number; readonly path: number; readonly reason: string }
  | { readonly type: "OpenPath"; readonly path: number; readonly ifindex: number; readonly description: PathDescription }
  | { readonly type: "ClosePath"; readonly path: number; readonly reason: string }
  | { readonly type: "Dial"; readonly dial: number; readonly gatewayKey: string; readonly paths: readonly number[] }
  | { readonly type: "DialAlso"; readonly dial: number; readonly path: number }
  | { readonly type: "AbortDial"; readonly dial: number }
  | { readonly type: "ConfirmSession"; readonly session: number }
  | { readonly type: "AddCandidate"; readonly session: number; readonly path: number }
  | { readonly type: "Attach"; readonly session: number; readonly path: number; readonly bindSeq: number; readonly kind: AttachKind; readonly reason: string }
  | { readonly type: "AbortAttach"; readonly session: number; readonly bindSeq: number; readonly restore: number | null }
  | { readonly type: "SetPathDead"; readonly session: number; readonly path: number; readonly dead: boolean }
  | { readonly type: "SetProbing"; readonly session: number; readonly intervalMs: number }
  | { readonly type: "CloseSession"; readonly session: number; readonly reason: string }
  | { readonly type: "ForgetSession"; readonly session: number };

/**
 * State of one network interface with what a path needs.
 */
export type Link = {
  readonly name: string;
  readonly index: number;
  /**
   * Administratively up, with carrier.
   */
  readonly up: boolean;
  /**
   * Usable source addresses (no link-local, no tentative or deprecated IPv6).
   */
  readonly addresses: readonly string[];
  /**
   * A route through this interface exists: to anything beyond the subnet (default or more specific), or only on-link.
   * Destination prefixes as text, at most 64 (more: the shortest prefixes are kept).
   */
  readonly routes: readonly string[];
};

/**
 * One snapshot of a path. Counters are cumulative over the life of the path in this session.
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
   * Probes sent, and of these answered, and given up (unanswered for a PTO).
   */
  readonly probesSent: number;
  readonly probesAnswered: number;
  readonly probesLost: number;
  /**
   * The newest probe that is older than a PTO was answered, and none after it is overdue; in redundant mode, where a probe goes
   * out at every I, fewer than three in a row are.
   */
  readonly answering: boolean;
  /**
   * DATA messages this end sent on the path, as of the newest answered probe …
   */
  readonly upSent: number;
  /**
   * … and how many of these the peer had received.
   */
  readonly upReceived: number;
  /**
   * DATA messages the peer sent on the path, as of the newest probe heard from it …
   */
  readonly downSent: number;
  /**
   * … and how many of these this end had received.
   */
  readonly downReceived: number;
  readonly rxBytes: number;
  readonly txBytes: number;
  /**
   * Milliseconds since an authenticated first-arrival packet on this path; `u32::MAX` = never.
   */
  readonly heardMsAgo: number;
};

export type SilenceEvidence = "standby_answered" | "timeout" | "peer_deaf";

/**
 * Why the engine denies an activation, or a new path, without asking the core.
 */
export type DenialReason = "path_limit" | "ownership_stale" | "path_not_validated" | "switch_rate_limited";

export type Report =
  | { readonly type: "Started"; readonly publicKey: string; readonly incarnation: number; readonly listen: readonly string[]; readonly tun: string; readonly capabilities: readonly string[]; readonly workers: number; readonly aloneBecause: string | null }
  | { readonly type: "Links"; readonly links: readonly Link[] }
  | { readonly type: "Fatal"; readonly what: string }
  | { readonly type: "Refused"; readonly command: string; readonly session: number | null; readonly path: number | null; readonly dial: number | null; readonly why: string }
  | { readonly type: "PathOpened"; readonly path: number; readonly local: string }
  | { readonly type: "PathError"; readonly path: number; readonly errno: string }
  | { readonly type: "HandshakeDone"; readonly dial: number; readonly session: number; readonly sessionId: string; readonly path: number; readonly gatewayKey: string; readonly incarnation: number; readonly ownerEpoch: number; readonly offer: Offer }
  | { readonly type: "HandshakeUnanswered"; readonly dial: number }
  | { readonly type: "Assigned"; readonly session: number; readonly assignment: Assignment }
  | { readonly type: "AttachDenied"; readonly session: number; readonly path: number; readonly bindSeq: number; readonly reason: string; readonly retryAfterMs: number }
  | { readonly type: "AttachUnanswered"; readonly session: number; readonly path: number; readonly bindSeq: number }
  | { readonly type: "SwitchRequested"; readonly session: number; readonly path: number; readonly reason: string }
  | { readonly type: "Hinted"; readonly session: number }
  | { readonly type: "HandshakeConfirmed"; readonly session: number; readonly sessionId: string; readonly clientKey: string; readonly path: number; readonly description: PathDescription; readonly redundant: boolean }
  | { readonly type: "AttachRequested"; readonly session: number; readonly path: number; readonly description: PathDescription; readonly bindSeq: number; readonly kind: AttachKind; readonly reason: string }
  | { readonly type: "ActivationsDenied"; readonly session: number; readonly path: number; readonly reason: DenialReason; readonly count: number }
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
  | { readonly type: "ValidationFailed"; readonly session: number; readonly kind: string; readonly attributable: boolean }
  | { readonly type: "Dropped"; readonly kind: string; readonly count: number }
  | { readonly type: "PeerClosed"; readonly session: number; readonly reason: string }
  | { readonly type: "KeyRotated"; readonly session: number; readonly epoch: number; readonly trigger: string }
  | { readonly type: "KeyExpired"; readonly session: number; readonly epoch: number; readonly trigger: string }
  | { readonly type: "RekeyDenied"; readonly session: number; readonly epoch: number; readonly reason: string };

export type Timed = {
  readonly atUs: number;
  readonly report: Report;
};

/**
 * What `drain` returns: at most 1,024 reports; `lost` counts reports that did not fit the bounded queue (524,288), oldest
 * `Stats` first; any other loss makes the engine stop with `Fatal`.
 */
export type ReportBatch = {
  readonly reports: readonly Timed[];
  readonly lost: number;
  /**
   * Reports that still wait: drain again after this batch was handled.
   */
  readonly waiting: number;
};
