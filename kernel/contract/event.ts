import type { Reason } from "#kernel/contract/reason";
import type { SessionId, StateName } from "#kernel/contract/state";

export const EVENT_TYPES = [
  "SessionCreated",
  "SessionStateChange",
  "SessionTerminated",
  "TransportDead",
  "TransportSwitch",
  "TransportSwitchDenied",
  "PathAdded",
  "PathValidated",
  "PathRebound",
  "PathMtu",
  "PathSuspected",
  "PathCleared",
  "PathAlive",
  "AttachAttempt",
  "AttachResult",
  "SecurityEvent",
  "PolicyApplied",
  "ConfigFailure",
  "KeyRotated",
  "KeyExpired",
  "RekeyDenied",
  "AuthorityLost",
  "AuthorityRegained",
  "OwnershipMoved",
  "OwnershipReleased",
  "DialStarted",
  "DialFailed",
  "DomainFault",
  "Diagnostic",
  "EventLoss",
  "HealthChange",
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** Decides which events are dropped last when the record overflows. */
export type EventClass = "transition" | "security" | "info";

/**
 * The numbers behind a reason: threshold and measured value, budget and use, time until the next permitted attempt.
 */
export type Numbers = Readonly<Record<string, number | string | boolean | null>>;

/**
 * One audit record as the core returns it. The daemon adds `schema`, `seq`, `time`, `node`, `prev` and `hash`.
 * A member without a value is absent or `undefined`; both mean the same.
 */
export interface CoreEvent {
  readonly type: EventType;
  readonly bootMs: number;
  readonly session?: SessionId | undefined;
  readonly version?: number | undefined;
  readonly from?: StateName | undefined;
  readonly to?: StateName | undefined;
  readonly reason?: Reason | undefined;
  /** Labels such as `wlan0/udp4`; `null` = no transport. */
  readonly transport?: { readonly old: string | null; readonly new: string | null } | undefined;
  readonly numbers?: Numbers | undefined;
  readonly policy?: string | undefined;
  readonly actor: "core" | "engine" | "peer" | `operator:${string}`;
}
