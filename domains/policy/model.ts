import type { SessionLimits } from "#kernel/contract/session-limits";
import type { SendingMode } from "#kernel/contract/view";
import type { Millis } from "#kernel/time";

/** The liveness interval I: realtime 10 ms, normal 50 ms, saver 250 ms. */
export type LivenessMs = 10 | 50 | 250;

/**
 * One complete, checked policy. Plain JSON, so that a journal can store it. Every number is within the bounds of
 * `fields.ts`, and the relations of `relations.ts` hold: no `Policy` can switch an invariant off.
 */
export interface Policy {
  readonly name: string;
  readonly version: number;
  /** At a client: version of the gateway's policy, whose values bind both ends. */
  readonly gatewaysVersion?: number;
  /** Hex digits of the digest of the policy's source. The gateway sends the first 16 to the client. */
  readonly digest: string;
  readonly session: SessionLimits;
  readonly volatile: {
    /** `threshold` is a ratio, 0…1. */
    readonly loss: { readonly threshold: number; readonly windowMs: Millis };
    readonly latency: { readonly thresholdMs: Millis; readonly windowMs: Millis };
    readonly jitter: { readonly thresholdMs: Millis; readonly windowMs: Millis };
    readonly livenessMs: LivenessMs;
  };
  readonly switch: {
    readonly maxPerMin: number;
    /** Between elective switches. */
    readonly cooldownMs: Millis;
    /** Between a switch and the next one after a death of the active transport. */
    readonly emergencyCooldownMs: Millis;
    readonly recoveriesPerMin: number;
    readonly returnToPreferredAfterMs: Millis;
    /**
     * Inside a bucket a move must gain more than the larger of `marginMs` and `marginRatio` of the active round trip.
     */
    readonly marginMs: Millis;
    readonly marginRatio: number;
    readonly mode: SendingMode;
  };
  readonly penalty: { readonly firstMs: Millis; readonly maxMs: Millis };
  readonly security: {
    /** Attributable validation failures per 60 s that a session survives. */
    readonly validationFailBudget: number;
    readonly pq: "off";
  };
  readonly keepaliveMs: Millis;
  readonly mtu: number;
}

/** The content of one policy file: the policy for all clients, and complete policies for groups with overrides. */
export interface PolicySet {
  readonly base: Policy;
  /** At most `OVERRIDES_MAX`; the group is unique. */
  readonly overrides: readonly { readonly group: string; readonly policy: Policy }[];
}

/** An error in a policy file, with its key. The daemon finds file and line. */
export interface PolicyError {
  readonly path: readonly string[];
  readonly message: string;
  /** The other key of a broken relation: the place in the file if `path` itself is absent there. */
  readonly against?: readonly string[];
}

export type PolicyOutcome =
  | { readonly ok: true; readonly policy: PolicySet }
  | { readonly ok: false; readonly errors: readonly PolicyError[] };

/** The policy that applies to a client of `group`; `null` = no group. */
export function policyFor(set: PolicySet, group: string | null): Policy {
  return set.overrides.find((override) => override.group === group)?.policy ?? set.base;
}
