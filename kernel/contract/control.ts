import type { CoreEvent } from "#kernel/contract/event";
import type { Role, SessionId } from "#kernel/contract/state";
import type { NodeView, PathView, SessionView } from "#kernel/contract/view";

/** The documents that the control socket of a daemon answers with. Additive within a version of their schema. */

/** An audit record as it is stored and streamed: the core's event with its place in the chain of this node. */
export interface EventRecord extends Omit<CoreEvent, "bootMs" | "class"> {
  readonly schema: "jumping-vpn/event/v1";
  /** Rises by one per record of this node, across restarts. */
  readonly seq: number;
  /** Wall time, ISO 8601 in UTC; for display only. */
  readonly time: string;
  /** The boot-time clock, which the core decided by. */
  readonly boot_ms: number;
  readonly node: string;
  /** Hash of the record before, 64 hex digits. */
  readonly prev: string;
  /** BLAKE2s of `prev` and this record without `prev` and `hash` in canonical encoding. */
  readonly hash: string;
}

export interface TunnelView {
  readonly interface: string;
  readonly state: "configured" | "unconfigured" | "failed";
  readonly addresses: readonly string[];
  readonly routes: readonly string[];
  readonly mtu: number;
  /** Why the last change failed. */
  readonly error: string | null;
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
  readonly config: {
    /** Why the configuration file was refused at the last reload, at most 20 lines; none = it is in force. */
    readonly errors: readonly string[];
    /** Settings that the last valid file changed, and that keep their values until the next start. */
    readonly awaitingRestart: readonly string[];
  };
  readonly record: RecordStatus;
  /**
   * The engine's reports since the start: the most that waited at once, and snapshots of statistics that gave way to
   * others.
   */
  readonly reports: { readonly waitingMost: number; readonly lost: number };
  readonly view: NodeView;
}

export interface RecordStatus {
  readonly lastSeq: number;
  /** Records lost since the start, counted for each place that lost them. */
  readonly lost: number;
  readonly sinks: readonly SinkStatus[];
}

/** A place that keeps the record. */
export interface SinkStatus {
  readonly name: string;
  /** Why it does not keep the record; `null` = it does. */
  readonly trouble: string | null;
  /** Number of the newest record that it kept; 0 = none since the start. */
  readonly keptTo: number;
  readonly lost: number;
}

/** Sessions of one answer: about 20 ms of the thread that decides. */
export const SESSIONS_PAGE_MAX = 1_000;

export interface SessionsDocument {
  readonly schema: "jumping-vpn/sessions/v1";
  /** All that were asked for; `sessions` holds some of them. */
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
  /** Older records of this session were dropped from memory (the log file has them). */
  readonly truncated: boolean;
  readonly events: readonly EventRecord[];
}

export interface PathsDocument {
  readonly schema: "jumping-vpn/paths/v1";
  /** All that were asked for, the live ones unless states were named; `sessions` holds some of them. */
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

/** A hole in the stream of events: the subscriber was too slow, or asked for records that memory no longer holds. */
export interface EventGap {
  readonly schema: "jumping-vpn/gap/v1";
  readonly first: number;
  readonly last: number;
  readonly count: number;
}

/** Every refusal: what happened, why, what to do. */
export interface ErrorDocument {
  readonly schema: "jumping-vpn/error/v1";
  readonly code: string;
  readonly message: string;
  readonly why: string;
  readonly hint: string;
  readonly retryAfterMs: number | null;
  /** A text that was refused: everything that is wrong with it, and where. The first fault is also the error above. */
  readonly faults?: readonly TextFault[];
}

export interface TextFault {
  readonly file: string;
  /** From 1; `null` = the whole file. */
  readonly line: number | null;
  readonly what: string;
  readonly why: string;
  readonly hint: string;
}
