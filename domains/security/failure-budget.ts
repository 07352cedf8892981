import type { Millis } from "#kernel/time";
import { FAILURE_WINDOW_MS, FAILURES_MAX, type SecurityPolicy } from "./model.ts";

/** Attributable failures inside the window; `exceeded` if there are more than the policy's budget. */
interface FailureUse {
  readonly used: number;
  readonly max: number;
  readonly exceeded: boolean;
}

/** The use of VALIDATION_FAIL_BUDGET. */
export function failureUse(failures: readonly Millis[], policy: SecurityPolicy, now: Millis): FailureUse {
  const used = inWindow(failures, now).length;
  const max = policy.security.validationFailBudget;
  return { used, max, exceeded: used > max };
}

/** Adds a failure. At most `FAILURES_MAX` + 1 are stored, because that many exceed every policy's budget. */
export function failed(failures: readonly Millis[], now: Millis): readonly Millis[] {
  return [...inWindow(failures, now), now].slice(-(FAILURES_MAX + 1));
}

function inWindow(failures: readonly Millis[], now: Millis): readonly Millis[] {
  return failures.filter((at) => now - at <= FAILURE_WINDOW_MS);
}
