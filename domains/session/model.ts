import type { Reason } from "#kernel/contract/reason";
import type { SessionLimits } from "#kernel/contract/session-limits";
import type { PathId, Role, SessionHandle, SessionId } from "#kernel/contract/state";
import type { Verdict } from "#kernel/contract/verdict";
import type { Millis } from "#kernel/time";

/** Fields of every state. The id never changes; `version` is 0 at BIRTH and increases by one with every transition. */
export interface Identity {
  readonly id: SessionId;
  readonly handle: SessionHandle;
  readonly role: Role;
  readonly version: number;
  readonly bornAt: Millis;
  /** Highest bind seq used (client) or accepted (gateway); 0 before the handshake is confirmed. */
  readonly bindSeq: number;
}

/**
 * Clocks that end a session, and its last active path. They start with their condition; only ATTACHED clears them.
 */
export interface Clocks {
  /** Start of the time without an active path: set exactly while `active` is `null`. */
  readonly transportlessSince: Millis | null;
  /** Start of the time in which loss, death or lost authority prevents ATTACHED. Latency and jitter do not start it. */
  readonly degradedSince: Millis | null;
  /** The active path when the transportless clock started. A bind to it is no switch. */
  readonly lastActive: PathId | null;
}

declare const proven: unique symbol;

interface Birth extends Identity {
  readonly state: "BIRTH";
}

/** Only `attached()` makes one, from a proof. The phantom member prevents object literals elsewhere from compiling. */
export interface Attached extends Identity {
  readonly state: "ATTACHED";
  readonly active: PathId;
  readonly since: Millis;
  readonly [proven]: true;
}

interface Volatile extends Identity, Clocks {
  readonly state: "VOLATILE";
  readonly active: PathId | null;
  readonly since: Millis;
  readonly cause: Reason;
}

interface Degraded extends Identity, Clocks {
  readonly state: "DEGRADED";
  readonly active: PathId | null;
  readonly since: Millis;
  readonly cause: Reason;
  /** `null` = the next attempt starts as soon as there is a candidate. */
  readonly wait: Wait | null;
}

/** Why a degraded session waits although there may be a candidate. */
export interface Wait {
  readonly until: Millis;
  /**
   * Our own limits of switches deny only moves to other paths; a new proof on the last active path is always permitted.
   * Any other denial (by the peer or the limit of recoveries) and a failed attempt block every attempt.
   */
  readonly denies: "every_attempt" | "other_paths";
}

interface Recovering extends Identity, Clocks {
  readonly state: "RECOVERING";
  /** The old path, which carries traffic while it is alive. */
  readonly active: PathId | null;
  readonly since: Millis;
  readonly cause: Reason;
  readonly target: PathId;
  /** Bind seq of this attempt. */
  readonly attempt: number;
  /** Fixed when the attempt starts: a policy update never shortens a running attempt. */
  readonly timeoutMs: Millis;
}

interface Terminated extends Identity {
  readonly state: "TERMINATED";
  readonly reason: Reason;
  /** Which end ended it. */
  readonly by: "here" | "peer";
  readonly endedAt: Millis;
}

/** Plain JSON except for a phantom type member, so that a journal can store and replay it. */
export type Session = Birth | Attached | Volatile | Degraded | Recovering | Terminated;

/** Values from other domains, which the core collects for one event. */
export interface Context {
  readonly limits: SessionLimits;
  readonly authority: boolean;
  /** Client: the best stable candidate for this event. Gateway: another validated path that is alive. */
  readonly candidate: PathId | null;
  /** Whether the budgets permit a move to `candidate`. */
  readonly verdict: Verdict;
}

/** Wait after a failed attempt, if no denial gave a time. */
export const RETRY_INTERVAL_MS: Millis = 250;

/** The active path; `null` if there is none. */
export function activeOf(session: Session): PathId | null {
  return "active" in session ? session.active : null;
}

/** The active path, or else the last one. */
export function lastActiveOf(session: Session): PathId | null {
  return activeOf(session) ?? ("lastActive" in session ? session.lastActive : null);
}

/** A new session: version 0, nothing proven. */
export function birth(id: SessionId, handle: SessionHandle, role: Role, now: Millis): Birth {
  return { state: "BIRTH", id, handle, role, version: 0, bornAt: now, bindSeq: 0 };
}
