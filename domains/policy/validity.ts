import type { PolicyError, PolicyOutcome, PolicySet } from "./model.ts";

/**
 * The policy in force. After an invalid update new sessions are denied, and running sessions keep `current`. Source:
 * failure isolation, section 4.
 */
export interface Validity {
  readonly current: PolicySet | null;
  /** True if the newest offer was valid. Otherwise new sessions are denied. */
  readonly valid: boolean;
  readonly errors: readonly PolicyError[];
}

/** Before the first offer: there is no policy for a session. */
export const NO_POLICY: Validity = { current: null, valid: false, errors: [] };

/** Applies a valid policy. An invalid one only adds its errors; the last valid one stays. */
export function offer(holder: Validity, outcome: PolicyOutcome): Validity {
  if (outcome.ok) return { current: outcome.policy, valid: true, errors: [] };
  return { ...holder, valid: false, errors: outcome.errors };
}
