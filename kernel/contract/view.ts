import type { Health } from "#kernel/contract/health";
import type { Priority } from "#kernel/contract/priority";
import type { Reason } from "#kernel/contract/reason";
import type { PathId, Role, SessionHandle, SessionId, StateName } from "#kernel/contract/state";

/** `failover`: each inner packet is sent on one path; `redundant`: on two. */
export type SendingMode = "failover" | "redundant";

/** How a session sends, as its handshake agreed, and how its policy wants it to send. */
export interface SendingView {
  readonly mode: SendingMode;
  readonly wanted: SendingMode;
}

/** One path in readable form. Times in ms; `null` = not measured. */
export interface PathView {
  readonly id: PathId;
  /** `wlan0/udp4` on a client, `udp4 198.51.100.7:50211` on a gateway. */
  readonly label: string;
  readonly local: string | null;
  readonly remote: string | null;
  readonly role: "active" | "warm" | "cold" | "dead";
  readonly rttMs: number | null;
  readonly rttVarMs: number | null;
  readonly jitterMs: number | null;
  readonly lossRatio: number | null;
  /** The largest outer packet that this end can send on the path, bytes. */
  readonly mtu: number | null;
  /** Time since something authentic last arrived, as the engine has reported it: in idle sessions at each keepalive. */
  readonly heardMsAgo: number | null;
  /** Bytes of outer payload since the session began, in both directions. */
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly priority: Priority;
  readonly metered: boolean;
  readonly penaltyMs: number;
  /** Why the path is dead or cold. */
  readonly reason: Reason | null;
}

/** The use of a limit in the last minute. Moves that could wait may use a part of it; after a death all of it. */
export interface Share {
  readonly used: number;
  readonly max: number;
  readonly electiveUsed: number;
  readonly electiveMax: number;
}

export interface JumpView {
  readonly atBootMs: number;
  readonly from: string | null;
  readonly to: string;
  readonly reason: Reason;
  /** Time without an active transport, ms; 0 for make-before-break. */
  readonly withoutPathMs: number;
}

export interface SessionView {
  readonly handle: SessionHandle;
  readonly id: SessionId;
  readonly role: Role;
  readonly state: StateName;
  readonly version: number;
  readonly bornAtBootMs: number;
  readonly ageMs: number;
  readonly lifetimeMs: number;
  readonly reason: Reason | null;
  /** TERMINATED: which end ended it. */
  readonly endedBy: "here" | "peer" | null;
  readonly policy: string;
  readonly sending: SendingView;
  /** Name and key of the other end: the gateway on a client, the client on a gateway. */
  readonly peer: { readonly name: string; readonly key: string };
  /** `dns`: name servers that the gateway told, at most 4. A client shows them, and sets nothing up with them. */
  readonly inner: {
    readonly v4: string | null;
    readonly v6: string | null;
    readonly dns: readonly string[];
    readonly mtu: number;
  } | null;
  readonly active: PathId | null;
  readonly paths: readonly PathView[];
  readonly jumps: { readonly count: number; readonly last: JumpView | null };
  readonly budget: { readonly switches: Share; readonly nextSwitchInMs: number };
  readonly transportlessMs: number | null;
  /** The newest of its paths, and the sums over them. */
  readonly heardMsAgo: number | null;
  readonly rxBytes: number;
  readonly txBytes: number;
  /** Time since keys were last agreed: by the handshake or a rekey. */
  readonly keysAgeMs: number;
  readonly keysExpired: boolean;
  readonly predecessor: SessionId | null;
}

/** The whole node on one screen. */
export interface NodeView {
  readonly role: Role;
  readonly bootMs: number;
  /**
   * The client's dialling while it has no session. `lastReason`: why the last dial failed. Why the last session ended
   * is among its own fields.
   */
  readonly dial: { readonly sinceBootMs: number; readonly attempts: number; readonly lastReason: Reason | null } | null;
  readonly policy: {
    readonly name: string;
    readonly version: number;
    readonly valid: boolean;
    readonly errors: readonly string[];
  };
  readonly health: Health;
  /** Number of sessions in each state. Of ended sessions only the newest few are counted. */
  readonly states: Readonly<Record<StateName, number>>;
  /** At most 256 sessions, in the order of `SessionPage`. */
  readonly sessions: readonly SessionView[];
}

/** The fields by which a session is found. */
export interface SessionName {
  readonly handle: SessionHandle;
  readonly id: SessionId;
  readonly state: StateName;
  /** Name of the other end: the client's on a gateway. */
  readonly peer: string;
}

/** Selects sessions in `states`: skips the first `offset`, returns at most `limit`. */
export interface PageQuery {
  readonly offset: number;
  readonly limit: number;
  readonly states: readonly StateName[];
}

/**
 * One page of sessions, worst first: DEGRADED, RECOVERING, VOLATILE, BIRTH, ATTACHED, then ended ones; within a state
 * in order of birth, or of their end. Each page is computed separately: a session that changes its state between pages
 * may be missing or appear twice.
 */
export interface SessionPage {
  /** Number of matches before paging. */
  readonly total: number;
  readonly sessions: readonly SessionView[];
}
