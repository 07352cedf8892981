import type { RankView } from "#kernel/contract/policy";
import type { PathId } from "#kernel/contract/state";
import type { Millis } from "#kernel/time";
import { type Choice, type Path, type PathPolicy, pathOf, type Transport } from "./model.ts";
import { LOSS_UNMEASURED, losesLessForCertain, ranked, tupleOf } from "./rank.ts";
import { longestWindowMs } from "./windows.ts";

/** Why a path does not replace the active one, with the numbers that explain it. */
type Stay =
  | {
      readonly because:
        | "unusable"
        | "active_unusable"
        | "lower_priority"
        | "more_loss"
        | "higher_latency"
        | "metered"
        | "unmeasured";
    }
  /** It replaces the active one after this time, if nothing changes. */
  | { readonly because: "not_stable_long_enough" | "penalty"; readonly waitMs: Millis }
  /** The gain is too small: "eth0 gains 9 ms, policy needs 15". */
  | { readonly because: "margin"; readonly gainMs: number; readonly neededMs: number };

type Comparison =
  | { readonly move: true; readonly reason: "better_path" | "preferred_path_stable" }
  | ({ readonly move: false } & Stay);

interface BetterChoice extends Choice {
  readonly reason: "better_path" | "preferred_path_stable";
}

/**
 * The better path for a healthy session, or `null` to stay. A better bucket wins at once; inside a bucket the gain must
 * exceed max(`marginMs`, `marginRatio`). A preferred class, an unmetered link, or a path that was left while it was
 * alive needs stability for `returnToPreferredAfterMs`. A path with a penalty, or stable for less than a window, never
 * wins. If the active path is unstable, the result is `null`: then thresholds and deaths decide.
 */
export function better(t: Transport, active: PathId, policy: PathPolicy, now: Millis): BetterChoice | null {
  for (const { path, tuple } of ranked(t, policy, now)) {
    const comparison = compared(t, path, active, policy, now);
    if (comparison.move) return { path, tuple, reason: comparison.reason };
  }
  return null;
}

/** When the result of `better` may change without a new measurement; `null` = never. */
export function betterAt(t: Transport, active: PathId, policy: PathPolicy, now: Millis): Millis | null {
  const waits = t.paths
    .map((path) => compared(t, path.id, active, policy, now))
    .flatMap((comparison) => (!comparison.move && "waitMs" in comparison ? [comparison.waitMs] : []));
  return waits.length === 0 ? null : now + Math.min(...waits);
}

/** The rank of a path and its comparison with the active one. */
interface Explanation {
  readonly path: PathId;
  readonly label: string;
  readonly active: boolean;
  readonly tuple: RankView;
  /** `null` for the active path itself, and if no path is active. */
  readonly comparison: Comparison | null;
}

/** The rank of every path and why it does not replace the active one, best first. */
export function explain(t: Transport, active: PathId | null, policy: PathPolicy, now: Millis): readonly Explanation[] {
  return ranked(t, policy, now).map(({ path, tuple }) => ({
    path,
    label: pathOf(t, path)?.label ?? "",
    active: path === active,
    tuple,
    comparison: active === null || path === active ? null : compared(t, path, active, policy, now),
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
  const cleaner = losesLessForCertain(candidate, active, policy, now);
  const won = contest({ path: candidate, tuple: theirs }, { path: active, tuple: ours }, cleaner, policy);
  if (!won.move) return won;
  if (theirs.penaltyMs > 0) return { move: false, because: "penalty", waitMs: theirs.penaltyMs };
  const waitMs = eligibleAt(candidate, won.reason, policy) - now;
  return waitMs > 0 ? { move: false, because: "not_stable_long_enough", waitMs } : won;
}

/** A path that was left waits like a preferred one, so that a load that slows each path causes no endless switches. */
function eligibleAt(candidate: Path, reason: BetterChoice["reason"], policy: PathPolicy): Millis {
  const returnMs = policy.switch.returnToPreferredAfterMs;
  const stableAt = (candidate.stableSince ?? 0) + (reason === "preferred_path_stable" ? returnMs : longestWindowMs(policy));
  return candidate.unboundAt === null ? stableAt : Math.max(stableAt, candidate.unboundAt + returnMs);
}

interface Contender {
  readonly path: Path;
  readonly tuple: RankView;
}

/** Compares the tuples part by part, without time and penalty. */
function contest(candidate: Contender, active: Contender, cleaner: boolean, policy: PathPolicy): Comparison {
  const theirs = candidate.tuple;
  const ours = active.tuple;
  if (theirs.priority !== ours.priority) {
    return theirs.priority < ours.priority ? PREFERRED : { move: false, because: "lower_priority" };
  }
  if (theirs.lossBucket > ours.lossBucket)
    return { move: false, because: theirs.lossBucket === LOSS_UNMEASURED ? "unmeasured" : "more_loss" };
  if (theirs.lossBucket < ours.lossBucket && cleaner) return BETTER;
  if (theirs.rttUs === null || ours.rttUs === null) return { move: false, because: "unmeasured" };
  if (theirs.latencyBucket > ours.latencyBucket) return { move: false, because: "higher_latency" };

  const current = gain(theirs.rttUs, ours.rttUs, policy);
  // Two almost equal paths on both sides of a bucket's edge must not alternate for ever, so the edge needs the margin
  // too.
  if (theirs.latencyBucket < ours.latencyBucket)
    return current.enough ? BETTER : { move: false, because: "margin", ...current.numbers };
  if (theirs.metered !== ours.metered) return theirs.metered < ours.metered ? PREFERRED : { move: false, because: "metered" };

  // Inside a bucket the gain must also exist without the queue of our own traffic on the active path.
  const floor = gain(candidate.path.rttMinUs ?? theirs.rttUs, active.path.rttMinUs ?? ours.rttUs, policy);
  if (current.enough && floor.enough) return BETTER;
  return { move: false, because: "margin", ...(current.enough ? floor.numbers : current.numbers) };
}

const BETTER = { move: true, reason: "better_path" } as const;
const PREFERRED = { move: true, reason: "preferred_path_stable" } as const;

function gain(theirsUs: number, oursUs: number, policy: PathPolicy) {
  const gainMs = (oursUs - theirsUs) / 1_000;
  const neededMs = Math.max(policy.switch.marginMs, (policy.switch.marginRatio * oursUs) / 1_000);
  return { enough: gainMs > neededMs, numbers: { gainMs, neededMs } };
}
