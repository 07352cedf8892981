import type { SecurityKind } from "#kernel/contract/security-kind";
import type { Millis } from "#kernel/time";
import { EVENT_INTERVAL_MS, KINDS_MAX, type KindTally } from "./model.ts";

/** Everything beyond the kinds that fit. */
const OTHER_KIND = "other" satisfies SecurityKind;

interface Tallied {
  readonly tallies: readonly KindTally[];
  /** What to tell: `null` = nothing, it is held back and counted into the next telling. */
  readonly due: { readonly kind: SecurityKind; readonly count: number } | null;
}

/** Counts `count` occurrences of a kind; tells them at most once per `EVENT_INTERVAL_MS`, so that a flood cannot flood the record. */
export function tallied(tallies: readonly KindTally[], kind: SecurityKind, count: number, now: Millis): Tallied {
  const name = tallies.some((tally) => tally.kind === kind) || tallies.length < KINDS_MAX - 1 ? kind : OTHER_KIND;
  const before = tallies.find((tally) => tally.kind === name);
  const others = tallies.filter((tally) => tally.kind !== name);
  if (before !== undefined && now - before.emittedAt < EVENT_INTERVAL_MS) {
    return { tallies: [...others, { ...before, held: before.held + count }], due: null };
  }
  return {
    tallies: [...others, { kind: name, emittedAt: now, held: 0 }],
    due: { kind: name, count: count + (before?.held ?? 0) },
  };
}
