/** Attempt ids remembered one by one. */
export const ATTEMPTS_MAX = 64;

/**
 * Which attempt ids (bind seqs, or any number that its maker never repeats) were seen. Bounded, and safe at its bound: what no
 * longer fits raises the floor, and everything up to the floor counts as seen. So a flood can make an old, unused id stale; it
 * can never make a used one fresh. Source: failure isolation, section 8, bounded replay cache.
 */
export interface Freshness {
  readonly floor: number;
  /** Seen above the floor, ascending. */
  readonly seen: readonly number[];
}

export const NOTHING_SEEN: Freshness = { floor: 0, seen: [] };

export type FreshnessVerdict = "fresh" | "replayed" | "stale" | "malformed";

/** Is this id used for the first time? Ids are whole numbers from 1; others are refused and remembered by nobody. */
export function admit(cache: Freshness, id: number): { readonly next: Freshness; readonly verdict: FreshnessVerdict } {
  if (!Number.isSafeInteger(id) || id < 1) return { next: cache, verdict: "malformed" };
  if (id <= cache.floor) return { next: cache, verdict: "stale" };
  if (cache.seen.includes(id)) return { next: cache, verdict: "replayed" };
  const seen = [...cache.seen, id].sort((a, b) => a - b);
  const overflow = seen.slice(0, Math.max(0, seen.length - ATTEMPTS_MAX));
  return { next: { floor: overflow.at(-1) ?? cache.floor, seen: seen.slice(overflow.length) }, verdict: "fresh" };
}
