import type { Reason } from "#kernel/contract/reason";
import { type Millis, SECOND } from "#kernel/time";

/** Whether the budgets permit a move. `R` = the reasons that can deny it. */
export type Verdict<R extends Reason = Reason> =
  | { readonly allowed: true }
  | {
      readonly allowed: false;
      readonly reason: R;
      /** After this time every limit permits the move, if nothing else is recorded. */
      readonly retryAfterMs: Millis;
      readonly used: number;
      readonly max: number;
    };

export const ALLOWED: Verdict<never> = { allowed: true };

/**
 * The verdict while the policy domain fails: the move is denied, so that no limit is bypassed. `retryAfterMs` is the
 * time until the domain is asked again.
 */
export const UNDECIDED = {
  allowed: false,
  reason: "policy_denied",
  retryAfterMs: SECOND,
  used: 0,
  max: 0,
} as const satisfies Verdict;
