import type { Millis } from "#kernel/time";

/** 2^30 ms are twelve days: more than any maximum. The bound keeps the product finite. */
const DOUBLINGS_MAX = 30;

/**
 * The wait after the `failures`-th failure in a row, counted from 1: `firstMs`, then double each time, at most `maxMs`.
 * It has no jitter, because the core is deterministic.
 */
export function backoff(failures: number, firstMs: Millis, maxMs: Millis): Millis {
  const doublings = Math.min(Math.max(0, failures - 1), DOUBLINGS_MAX);
  return Math.min(maxMs, firstMs * 2 ** doublings);
}
