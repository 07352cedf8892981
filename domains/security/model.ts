import type { SecurityKind } from "#kernel/contract/security-kind";
import type { Millis } from "#kernel/time";

/** The part of a policy that the security domain reads. */
export interface SecurityPolicy {
  readonly security: { readonly validationFailBudget: number };
}

/** How long an attributable failure counts against the budget. */
export const FAILURE_WINDOW_MS: Millis = 60_000;
/** Maximum number of failures that are stored; no policy has a larger budget. */
export const FAILURES_MAX = 100;
/** Maximum number of kinds that are counted separately; further ones are counted as `other`. */
export const KINDS_MAX = 32;
/** At most one SecurityEvent per kind in this time. The next one includes what was held back. */
export const EVENT_INTERVAL_MS: Millis = 1_000;

/** When a kind was last emitted, and the number of occurrences held back since. */
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
  /** Newest reported key epoch. */
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
  /** To be emitted as SecurityEvent. `count` includes occurrences held back since the last one of this kind. */
  | {
      readonly type: "SecurityEvent";
      readonly kind: SecurityKind;
      readonly attributable: boolean;
      readonly count: number;
    }
  /** Ordinary drops, to be emitted as Diagnostic. */
  | { readonly type: "TrafficDropped"; readonly kind: SecurityKind; readonly count: number }
  /** An attributable failure and the use of the budget with it. The session survives while `exceeded` is false. */
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
