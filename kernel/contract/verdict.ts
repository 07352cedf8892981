import type { Reason } from "#kernel/contract/reason";
import { type Millis, SECOND } from "#kernel/time";

/** What the budgets say about a move. `R` = the reasons that can deny it. */
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

/** In place of a policy domain that fails: a limit is never bypassed. The time is when it is asked again. */
export const UNDECIDED = {
  allowed: false,
  reason: "policy_denied",
  retryAfterMs: SECOND,
  used: 0,
  max: 0,
} as const satisfies Verdict;
