import type { SecurityKind } from "#kernel/contract/security-kind";
import type { Millis } from "#kernel/time";

/** The part of a policy that the security domain reads. A whole `Policy` fits. */
export interface SecurityPolicy {
  readonly security: { readonly validationFailBudget: number };
}

/** Attributable failures count against the budget for this long. */
export const FAILURE_WINDOW_MS: Millis = 60_000;
/** Times of failures kept; no policy has a larger budget. */
export const FAILURES_MAX = 100;
/** Kinds of drops told apart; further ones are counted as `other`. */
export const KINDS_MAX = 32;
/** At most one SecurityEvent per kind in this time; what is held back is counted into the next one. */
export const EVENT_INTERVAL_MS: Millis = 1_000;

/** How often a kind was told, and how much was held back since. */
export interface KindTally {
  readonly kind: SecurityKind;
  readonly emittedAt: Millis;
  readonly held: number;
}

/** One session's security state, or the node's for drops that belong to no session. Plain JSON. */
export interface Security {
  /** Times of attributable failures inside the window, oldest first. */
  readonly failures: readonly Millis[];
  readonly tallies: readonly KindTally[];
  /** Newest key epoch heard of. */
  readonly keyEpoch: number;
}

export const NO_FAILURES: Security = { failures: [], tallies: [], keyEpoch: 0 };

export type SecurityInput =
  | { readonly type: "ValidationFailed"; readonly kind: SecurityKind; readonly attributable: boolean }
  | { readonly type: "Dropped"; readonly kind: SecurityKind; readonly count: number }
  | { readonly type: "KeyRotated"; readonly epoch: number; readonly trigger: string }
  | { readonly type: "KeyExpired"; readonly epoch: number; readonly trigger: string }
  | { readonly type: "RekeyDenied"; readonly epoch: number; readonly reason: string };

export type SecurityFinding =
  /** To be told as SecurityEvent. `count` includes what was held back since the last one of this kind. */
  | {
      readonly type: "SecurityEvent";
      readonly kind: SecurityKind;
      readonly attributable: boolean;
      readonly count: number;
    }
  /** To be told as Diagnostic: one of the ordinary drops. */
  | { readonly type: "TrafficDropped"; readonly kind: SecurityKind; readonly count: number }
  /** An attributable failure, and what is used of the budget with it. The session survives while `exceeded` is false. */
  | {
      readonly type: "Failure";
      readonly kind: SecurityKind;
      readonly used: number;
      readonly max: number;
      readonly exceeded: boolean;
    }
  | {
      readonly type: "KeyChanged";
      readonly event: "KeyRotated" | "KeyExpired" | "RekeyDenied";
      readonly epoch: number;
      readonly trigger: string;
    };

export interface SecurityStep {
  readonly next: Security;
  readonly findings: readonly SecurityFinding[];
}
