import type { Reason } from "#kernel/contract/reason";
import type { SessionLimits } from "#kernel/contract/session-limits";
import type { PathId, Role, SessionHandle, SessionId } from "#kernel/contract/state";
import type { Verdict } from "#kernel/contract/verdict";
import type { Millis } from "#kernel/time";

/** What every state has. The id never changes; `version` rises by one with every transition, from 0 at BIRTH. */
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
 * Clocks that end a session, and the path that is missed. They start when their condition does and are cleared by ATTACHED alone.
 */
export interface Clocks {
  /** Since when there has been no active path: set exactly while `active` is `null`. */
  readonly transportlessSince: Millis | null;
  /** Since when loss, death or lost authority has kept the session from ATTACHED. Latency and jitter do not start it. */
  readonly degradedSince: Millis | null;
  /** The path that was active when the transportless clock started; binding it again is no switch. */
  readonly lastActive: PathId | null;
}

declare const proven: unique symbol;

interface Birth extends Identity {
  readonly state: "BIRTH";
}

/** Only `attached()` makes one, and it takes a proof; the phantom member keeps literals from compiling anywhere else. */
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
  /** `null` = the next attempt starts as soon as a candidate is there. */
  readonly wait: Wait | null;
}

/** What a degraded session waits for although there may be a candidate. */
export interface Wait {
  readonly until: Millis;
  /**
   * Our own limits of switches deny only moves to another path: the one that the session was on may prove itself again at any
   * time. Whatever else denies (the peer, the limit of recoveries), and a failed attempt, hold up every attempt.
   */
  readonly denies: "every_attempt" | "other_paths";
}

interface Recovering extends Identity, Clocks {
  readonly state: "RECOVERING";
  /** The old path, which goes on carrying traffic while it lives. */
  readonly active: PathId | null;
  readonly since: Millis;
  readonly cause: Reason;
  readonly target: PathId;
  /** Bind seq of this attempt. */
  readonly attempt: number;
  /** Fixed when the attempt starts: a policy update never shortens a running one. */
  readonly timeoutMs: Millis;
}

interface Terminated extends Identity {
  readonly state: "TERMINATED";
  readonly reason: Reason;
  readonly endedAt: Millis;
}

/** Plain JSON apart from a phantom type member, so that it can be journaled and replayed. */
export type Session = Birth | Attached | Volatile | Degraded | Recovering | Terminated;

/** What the session may not know by itself, gathered by the core for one event. */
export interface Context {
  readonly limits: SessionLimits;
  readonly authority: boolean;
  /** Client: the best stable candidate for this event. Gateway: another validated path that lives. */
  readonly candidate: PathId | null;
  /** The budgets' word on moving to `candidate`. */
  readonly verdict: Verdict;
}

/** After a failed attempt the next one waits this long, where nobody named a time. */
export const RETRY_INTERVAL_MS: Millis = 250;

/** The active path of record; `null` where the state has none. */
export function activeOf(session: Session): PathId | null {
  return "active" in session ? session.active : null;
}

/** The path that was active last, whether it still is or not. */
export function lastActiveOf(session: Session): PathId | null {
  return activeOf(session) ?? ("lastActive" in session ? session.lastActive : null);
}

/** A session as it is born: version 0, nothing proven. */
export function birth(id: SessionId, handle: SessionHandle, role: Role, now: Millis): Birth {
  return { state: "BIRTH", id, handle, role, version: 0, bornAt: now, bindSeq: 0 };
}
