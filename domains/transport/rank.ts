import type { PathId } from "#kernel/contract/state";
import type { Millis } from "#kernel/time";
import { type Choice, type Path, type PathPolicy, PRIORITIES, type Transport, type Tuple } from "./model.ts";
import { penaltyMs } from "./penalty.ts";
import { lossExceeds, lossOver, PROBES_MIN } from "./windows.ts";

/**
 * Loss in quarters of the threshold: below a quarter, below a half, not above it, above it. Unknown loss is the worst of what is
 * not above the threshold. A standby's few probes are never proof enough to say "above".
 */
const LOSS_UNKNOWN = 2;
const LOSS_ABOVE = 3;
/** Round trip in eighths of the threshold: below one, two, four, eight, above, unmeasured. */
const LATENCY_SHARES = [1 / 8, 1 / 4, 1 / 2, 1] as const;
const LATENCY_UNMEASURED = LATENCY_SHARES.length + 1;

/** Where a path ranks and by what. Smaller is better, part by part. */
export function tupleOf(t: Transport, path: Path, policy: PathPolicy, now: Millis): Tuple {
  return {
    usable: path.stableSince === null ? 1 : 0,
    priority: PRIORITIES.indexOf(path.priority),
    lossBucket: lossBucketOf(path, policy, now),
    latencyBucket: latencyBucketOf(path.rttUs, policy),
    metered: path.metered ? 1 : 0,
    penaltyMs: penaltyMs(t.penalties, path, now),
    rttUs: path.rttUs,
    id: path.id,
  };
}

/** Total order over tuples; never 0 for two paths. */
export function compareTuples(a: Tuple, b: Tuple): number {
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

/** The best stable candidate, the active path included; `null` where there is none. */
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

function lossBucketOf(path: Path, policy: PathPolicy, now: Millis): number {
  const { threshold, windowMs } = policy.volatile.loss;
  const measured = lossOver(path.samples, windowMs, now);
  if (measured !== undefined && lossExceeds(measured, threshold)) return LOSS_ABOVE;
  const ratio = measured?.ratio ?? (path.probes.judged >= PROBES_MIN ? path.probes.lossRatio : undefined);
  if (ratio === undefined) return LOSS_UNKNOWN;
  return ratio < threshold / 4 ? 0 : ratio < threshold / 2 ? 1 : 2;
}

function latencyBucketOf(rttUs: number | null, policy: PathPolicy): number {
  if (rttUs === null) return LATENCY_UNMEASURED;
  const bucket = LATENCY_SHARES.findIndex((share) => rttUs / 1_000 <= share * policy.volatile.latency.thresholdMs);
  return bucket === -1 ? LATENCY_SHARES.length : bucket;
}
