import type { SecurityKind } from "#kernel/contract/security-kind";
import type { Millis } from "#kernel/time";
import { EVENT_INTERVAL_MS, KINDS_MAX, type KindTally } from "./model.ts";

/** Counts all kinds beyond `KINDS_MAX`. */
const OTHER_KIND = "other" satisfies SecurityKind;

interface Tallied {
  readonly tallies: readonly KindTally[];
  /** What to emit now; `null` = nothing: the occurrences are held back and included in the next event. */
  readonly due: { readonly kind: SecurityKind; readonly count: number } | null;
}

/** Counts occurrences of a kind. One event per `EVENT_INTERVAL_MS` at most is due: a flood cannot fill the record. */
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
