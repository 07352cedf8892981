import type { CoreEvent } from "#kernel/contract/event";
import type { Role, SessionId } from "#kernel/contract/state";
import type { NodeView, PathView, SessionView } from "#kernel/contract/view";

/** The documents with which a daemon answers on its control socket. A schema version only ever gains fields. */

/** An audit record as it is stored and streamed: the core's event and its place in the hash chain of this node. */
export interface EventRecord extends Omit<CoreEvent, "bootMs"> {
  readonly schema: "jumping-vpn/event/v1";
  /** Increases by one with each record of this node, also across restarts. */
  readonly seq: number;
  /** Wall time, ISO 8601 in UTC; for display only. */
  readonly time: string;
  /** The boot-time clock, which the core used for its decision. */
  readonly boot_ms: number;
  readonly node: string;
  /** Hash of the previous record, 64 hex digits. */
  readonly prev: string;
  /** BLAKE2s of `prev` and this record without `prev` and `hash` in canonical encoding. */
  readonly hash: string;
}

export interface TunnelView {
  readonly interface: string;
  readonly state: "configured" | "unconfigured" | "failed";
  readonly addresses: readonly string[];
  readonly routes: readonly string[];
  /** Networks whose traffic is refused because no tunnel carries it, until one does or an operator runs `jvpn down`. */
  readonly closed: readonly string[];
  readonly mtu: number;
  /** What of the configuration could not be followed, or may not work. */
  readonly warnings: readonly string[];
  /** Why the last change failed. */
  readonly error: string | null;
}

/** A gateway's name that cannot be resolved. */
export interface UnresolvedName {
  readonly name: string;
  readonly why: string;
  /** The addresses that it had last, which stay in use; empty = none are known. */
  readonly inUse: readonly string[];
}

/** Handshakes that a gateway refused, of one kind or for one reason, since its start. */
export interface RefusedHandshakes {
  /** A kind of security event, or the reason of a session that was not admitted. */
  readonly cause: string;
  readonly count: number;
  /** ISO time of the newest, and its sender: an address can be invented, a key cannot. */
  readonly lastAt: string;
  readonly remote: string | null;
  readonly key: string | null;
}

export interface StatusDocument {
  readonly schema: "jumping-vpn/status/v1";
  readonly node: string;
  readonly role: Role;
  readonly pid: number;
  readonly version: string;
  readonly uptimeMs: number;
  /** The daemon's own public key. */
  readonly publicKey: string | null;
  readonly listen: readonly string[];
  readonly capabilities: readonly string[];
  /** Threads that move packets. */
  readonly workers: number | null;
  readonly tunnel: TunnelView;
  /** At a client: names of gateways that cannot be resolved. */
  readonly unresolved: readonly UnresolvedName[];
  /** At a gateway: handshakes that came to nothing, most often first. */
  readonly refused: readonly RefusedHandshakes[];
  readonly config: {
    /** Why the last reload refused the configuration file, at most 21 lines; empty = the file is in force. */
    readonly errors: readonly string[];
    /** What the last reload found that prevents the next start. */
    readonly warnings: readonly string[];
    /** Settings that the last valid file changed, and that take effect only at the next start. */
    readonly awaitingRestart: readonly string[];
  };
  readonly record: RecordStatus;
  /**
   * The engine's reports since the start: the largest number that waited at once, and the number of snapshots of
   * statistics that were replaced by newer ones.
   */
  readonly reports: { readonly waitingMost: number; readonly lost: number };
  readonly view: NodeView;
}

export interface RecordStatus {
  readonly lastSeq: number;
  /** Records lost since the start, counted once per sink that lost them. */
  readonly lost: number;
  /** Why a sink or the store does not keep records; `null` = all do. */
  readonly trouble: string | null;
  readonly sinks: readonly SinkStatus[];
}

/** One destination of the record. */
export interface SinkStatus {
  readonly name: string;
  /** Why the sink does not store records; `null` = it does. */
  readonly trouble: string | null;
  /** Number of the newest record that the sink stored; 0 = none since the start. */
  readonly keptTo: number;
  readonly lost: number;
}

/** Sessions per answer. Writing that many takes about 20 ms of the core's thread. */
export const SESSIONS_PAGE_MAX = 1_000;

export interface SessionsDocument {
  readonly schema: "jumping-vpn/sessions/v1";
  /** Number of matches before paging. */
  readonly total: number;
  readonly sessions: readonly SessionView[];
}

export interface SessionDocument {
  readonly schema: "jumping-vpn/session/v1";
  readonly bootMs: number;
  readonly session: SessionView;
}

export interface TimelineDocument {
  readonly schema: "jumping-vpn/timeline/v1";
  readonly session: SessionId;
  /** True if older records of this session were dropped from memory. The log file still has them. */
  readonly truncated: boolean;
  readonly events: readonly EventRecord[];
}

export interface PathsDocument {
  readonly schema: "jumping-vpn/paths/v1";
  /** Number of matching sessions before paging. Without named states, only live sessions match. */
  readonly total: number;
  readonly sessions: readonly { readonly session: SessionId; readonly state: string; readonly paths: readonly PathView[] }[];
}

export interface VersionDocument {
  readonly schema: "jumping-vpn/version/v1";
  readonly version: string;
  readonly node: string;
  readonly pid: number;
  readonly role: Role;
}

export interface DoneDocument {
  readonly schema: "jumping-vpn/done/v1";
  readonly verb: string;
  readonly value: unknown;
}

/** A gap in the stream of events: the subscriber was too slow, or asked for records that are no longer in memory. */
export interface EventGap {
  readonly schema: "jumping-vpn/gap/v1";
  readonly first: number;
  readonly last: number;
  readonly count: number;
}

/** The form of every refusal: what happened, why, what to do. */
export interface ErrorDocument {
  readonly schema: "jumping-vpn/error/v1";
  readonly code: string;
  readonly message: string;
  readonly why: string;
  readonly hint: string;
  readonly retryAfterMs: number | null;
  /** Present if the other end decided, and refused. */
  readonly deniedBy?: "client";
  /** All errors of a refused text, with their places. The first one is also the error above. */
  readonly faults?: readonly TextFault[];
}

export interface TextFault {
  readonly file: string;
  /** Counted from 1; `null` = the whole file. */
  readonly line: number | null;
  readonly what: string;
  readonly why: string;
  readonly hint: string;
}
