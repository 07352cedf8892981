import type { RankView } from "#kernel/contract/policy";
import { PRIORITIES } from "#kernel/contract/priority";
import type { PathId } from "#kernel/contract/state";
import type { Millis } from "#kernel/time";
import type { Choice, Path, PathPolicy, Transport } from "./model.ts";
import { penaltyMs } from "./penalty.ts";
import { latencyMsOver, lossExceeds, lossOver, PROBES_MEMORY, PROBES_MIN } from "./windows.ts";

/**
 * Loss relative to the threshold: at most half of it, above half, unmeasured, above all of it. "Above" means more than
 * chance. The few probes of a standby path never suffice for the last bucket.
 */
const LOSS_LOW = 0;
const LOSS_ABOVE_HALF = 1;
export const LOSS_UNMEASURED = 2;
const LOSS_ABOVE = 3;
/** A standby path is proven to lose little by this many probes with loss below an eighth of the threshold. */
const PROVING_PROBES = PROBES_MEMORY;
const PROVING_SHARE = 1 / 8;
/** Round trip relative to the threshold: up to a quarter, a half, all of it, above, unmeasured. */
const LATENCY_SHARES = [1 / 4, 1 / 2, 1] as const;
const LATENCY_UNMEASURED = LATENCY_SHARES.length + 1;

/** The rank of a path. Smaller is better, part by part. */
export function tupleOf(t: Transport, path: Path, policy: PathPolicy, now: Millis): RankView {
  const rttUs = rttUsOf(path, policy, now);
  return {
    usable: path.stableSince === null ? 1 : 0,
    priority: PRIORITIES.indexOf(path.priority),
    lossBucket: lossBucketOf(path, policy, now),
    latencyBucket: latencyBucketOf(rttUs, policy),
    metered: path.metered ? 1 : 0,
    penaltyMs: penaltyMs(t.penalties, path, now),
    rttUs,
    id: path.id,
  };
}

/** Total order over tuples; never 0 for different paths. */
export function compareTuples(a: RankView, b: RankView): number {
  return (
    a.usable - b.usable ||
    a.priority - b.priority ||
    a.lossBucket - b.lossBucket ||
    a.latencyBucket - b.latencyBucket ||
    a.metered - b.metered ||
    a.penaltyMs - b.penaltyMs ||
    (a.rttUs ?? Number.MAX_SAFE_INTEGER) - (b.rttUs ?? Number.MAX_SAFE_INTEGER) ||
    a.id - b.id
  );
}

/** The best stable candidate, including the active path; `null` if there is none. */
export function choose(
  t: Transport,
  policy: PathPolicy,
  now: Millis,
  options: { readonly exclude?: readonly PathId[] } = {},
): Choice | null {
  return ranked(t, policy, now).find(({ path, tuple }) => tuple.usable === 0 && !options.exclude?.includes(path)) ?? null;
}

/** All paths, best first. */
export function ranked(t: Transport, policy: PathPolicy, now: Millis): readonly Choice[] {
  return t.paths
    .map((path) => ({ path: path.id, tuple: tupleOf(t, path, policy, now) }))
    .sort((a, b) => compareTuples(a.tuple, b.tuple));
}

function rttUsOf(path: Path, policy: PathPolicy, now: Millis): number | null {
  const medianMs = latencyMsOver(path.samples, policy.volatile.latency.windowMs, now);
  return medianMs === undefined ? path.rttUs : Math.round(medianMs * 1_000);
}

function lossBucketOf(path: Path, policy: PathPolicy, now: Millis): number {
  const { threshold, windowMs } = policy.volatile.loss;
  const measured = lossOver(path.samples, windowMs, now);
  if (measured !== undefined) {
    if (lossExceeds(measured, threshold)) return LOSS_ABOVE;
    return lossExceeds(measured, threshold / 2) ? LOSS_ABOVE_HALF : LOSS_LOW;
  }
  if (path.probes.judged < PROBES_MIN) return LOSS_UNMEASURED;
  return path.probes.lossRatio > threshold / 2 ? LOSS_ABOVE_HALF : LOSS_LOW;
}

/**
 * Whether a lower loss bucket is certain enough for a move: the active path lost real traffic, more than by chance, and
 * the candidate is proven to lose little. Two paths that both lose 5 % must not alternate because of a few lucky
 * probes.
 */
export function losesLessForCertain(candidate: Path, active: Path, policy: PathPolicy, now: Millis): boolean {
  const { threshold, windowMs } = policy.volatile.loss;
  const ours = lossOver(active.samples, windowMs, now);
  if (ours === undefined || !lossExceeds(ours, threshold / 2)) return false;
  const theirs = lossOver(candidate.samples, windowMs, now);
  if (theirs !== undefined) return theirs.ratio <= threshold / 2 && theirs.ratio < ours.ratio / 2;
  return candidate.probes.judged >= PROVING_PROBES && candidate.probes.lossRatio < threshold * PROVING_SHARE;
}

function latencyBucketOf(rttUs: number | null, policy: PathPolicy): number {
  if (rttUs === null) return LATENCY_UNMEASURED;
  const bucket = LATENCY_SHARES.findIndex((share) => rttUs / 1_000 <= share * policy.volatile.latency.thresholdMs);
  return bucket === -1 ? LATENCY_SHARES.length : bucket;
}
