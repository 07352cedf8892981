import type { PolicyError, PolicyOutcome, PolicySet } from "./model.ts";

/**
 * The policy in force. A bad update is remembered as bad, so that new sessions are denied, and takes nothing away: running
 * sessions keep `current`. Source: failure isolation, section 4.
 */
export interface Validity {
  readonly current: PolicySet | null;
  /** The newest offer was good. New sessions need this. */
  readonly valid: boolean;
  readonly errors: readonly PolicyError[];
}

/** Before anything was offered: nothing to run a session by. */
export const NO_POLICY: Validity = { current: null, valid: false, errors: [] };

/** Takes a good policy; keeps the last good one beside the errors of a bad one. */
export function offer(holder: Validity, outcome: PolicyOutcome): Validity {
  if (outcome.ok) return { current: outcome.policy, valid: true, errors: [] };
  return { ...holder, valid: false, errors: outcome.errors };
}
