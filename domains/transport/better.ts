import type { PathId } from "#kernel/contract/state";
import type { Millis } from "#kernel/time";
import { type Choice, type PathPolicy, pathOf, type Transport, type Tuple } from "./model.ts";
import { ranked, tupleOf } from "./rank.ts";
import { longestWindowMs } from "./windows.ts";

/** Why a path does not replace the active one, with what a person needs to see that it is so. */
export type Stay =
  | { readonly because: "unusable" | "active_unusable" | "lower_priority" | "more_loss" | "higher_latency" | "metered" | "unmeasured" }
  /** It would, after this time, if it stays as it is. */
  | { readonly because: "not_stable_long_enough" | "penalty"; readonly waitMs: Millis }
  /** It gains too little: "eth0 gains 9 ms, policy needs 15". */
  | { readonly because: "margin"; readonly gainMs: number; readonly neededMs: number };

export type Comparison =
  | { readonly move: true; readonly reason: "better_path" | "preferred_path_stable" }
  | ({ readonly move: false } & Stay);

export interface BetterChoice extends Choice {
  readonly reason: "better_path" | "preferred_path_stable";
}

/**
 * The path that a healthy session should move to by score, or `null` to stay. A better bucket wins at once, inside a bucket the
 * gain must exceed max(`marginMs`, `marginRatio`); a preferred class, or getting off a metered link, needs stability for
 * `returnToPreferredAfterMs`. A path under penalty or stable for less than a window never wins here, and an active path that is
 * unstable is not this rule's business: thresholds and deaths decide about it.
 */
export function better(t: Transport, active: PathId, policy: PathPolicy, now: Millis): BetterChoice | null {
  for (const { path, tuple } of ranked(t, policy, now)) {
    const comparison = compared(t, path, active, policy, now);
    if (comparison.move) return { path, tuple, reason: comparison.reason };
  }
  return null;
}

/** When `better` may say something new without any new measurement; `null` = never. */
export function betterAt(t: Transport, active: PathId, policy: PathPolicy, now: Millis): Millis | null {
  const waits = t.paths
    .map((path) => compared(t, path.id, active, policy, now))
    .flatMap((comparison) => (!comparison.move && "waitMs" in comparison ? [comparison.waitMs] : []));
  return waits.length === 0 ? null : now + Math.min(...waits);
}

/** One path's rank and its comparison with the active one, as data. */
export interface Explanation {
  readonly path: PathId;
  readonly label: string;
  readonly active: boolean;
  readonly tuple: Tuple;
  /** `null` for the active path itself, and where none is active. */
  readonly comparison: Comparison | null;
}

/** Why every path is where it is, best first: the answer to "why did it stay?". */
export function explain(t: Transport, policy: PathPolicy, now: Millis): readonly Explanation[] {
  return ranked(t, policy, now).map(({ path, tuple }) => ({
    path,
    label: pathOf(t, path)?.label ?? "",
    active: path === t.active,
    tuple,
    comparison: t.active === null || path === t.active ? null : compared(t, path, t.active, policy, now),
  }));
}

function compared(t: Transport, candidateId: PathId, activeId: PathId, policy: PathPolicy, now: Millis): Comparison {
  const candidate = pathOf(t, candidateId);
  const active = pathOf(t, activeId);
  if (active === undefined || active.stableSince === null) return { move: false, because: "active_unusable" };
  if (candidate === undefined || candidate.stableSince === null || candidateId === activeId) {
    return { move: false, because: "unusable" };
  }
  const theirs = tupleOf(t, candidate, policy, now);
  const ours = tupleOf(t, active, policy, now);
  const won = contest(theirs, ours, policy);
  if (!won.move) return won;
  if (theirs.penaltyMs > 0) return { move: false, because: "penalty", waitMs: theirs.penaltyMs };
  const neededMs = won.reason === "preferred_path_stable" ? policy.switch.returnToPreferredAfterMs : longestWindowMs(policy);
  const waitMs = candidate.stableSince + neededMs - now;
  return waitMs > 0 ? { move: false, because: "not_stable_long_enough", waitMs } : won;
}

/** The tuples part by part, before time and penalty have their say. */
function contest(theirs: Tuple, ours: Tuple, policy: PathPolicy): Comparison {
  if (theirs.priority !== ours.priority) {
    return theirs.priority < ours.priority ? { move: true, reason: "preferred_path_stable" } : { move: false, because: "lower_priority" };
  }
  if (theirs.lossBucket !== ours.lossBucket) {
    return theirs.lossBucket < ours.lossBucket ? { move: true, reason: "better_path" } : { move: false, because: "more_loss" };
  }
  if (theirs.rttUs === null || ours.rttUs === null) return { move: false, because: "unmeasured" };
  const gainMs = (ours.rttUs - theirs.rttUs) / 1_000;
  const neededMs = Math.max(policy.switch.marginMs, (policy.switch.marginRatio * ours.rttUs) / 1_000);
  const clearlyFaster = gainMs > neededMs;
  if (theirs.latencyBucket !== ours.latencyBucket) {
    if (theirs.latencyBucket > ours.latencyBucket) return { move: false, because: "higher_latency" };
    // Two equals on both sides of a bucket's edge must not trade places for ever, so the edge needs the margin as well.
    return clearlyFaster ? { move: true, reason: "better_path" } : { move: false, because: "margin", gainMs, neededMs };
  }
  if (theirs.metered !== ours.metered) {
    return theirs.metered < ours.metered ? { move: true, reason: "preferred_path_stable" } : { move: false, because: "metered" };
  }
  return clearlyFaster ? { move: true, reason: "better_path" } : { move: false, because: "margin", gainMs, neededMs };
}
