import type { PathStats } from "#kernel/contract/engine.generated";
import type { Millis } from "#kernel/time";
import { type Path, type PathPolicy, type Probes, SAMPLES_MAX, type Sample, type ThresholdReason } from "./model.ts";

/** A window with fewer snapshots measures nothing. Source: docs/spec/glossary.md, stable candidate. */
const SAMPLES_MIN = 8;
/** A direction with fewer packets in the window has no loss ratio. */
const PACKETS_MIN = 20;
/**
 * Small samples mislead: of 60 packets at 2 % loss, five are lost once in 130 windows, which would cause several false
 * jumps an hour. So a ratio above the threshold counts only if it is also this many standard deviations above half the
 * threshold. From about 500 packets on (at 8 %) the plain threshold is stricter and decides alone.
 */
const CHANCE_SIGMAS = 4.5;
/** Minimum number of probes for the average of a standby path. */
export const PROBES_MIN = 8;
/** Number of probes in the moving average. A snapshot with more replaces it. */
export const PROBES_MEMORY = 64;

/** The longest window of a policy. Older samples are not used. */
export function longestWindowMs({ volatile }: PathPolicy): Millis {
  return Math.max(volatile.loss.windowMs, volatile.latency.windowMs, volatile.jitter.windowMs);
}

/** Adds a snapshot, drops those older than every window, and drops some if the interval is too short for the array. */
export function sampled(samples: readonly Sample[], stats: PathStats, policy: PathPolicy, now: Millis): readonly Sample[] {
  const longest = longestWindowMs(policy);
  const before = samples.at(-1);
  const newest: Sample = {
    at: now,
    srttUs: stats.srttUs,
    jitterUs: stats.jitterUs,
    upSent: stats.upSent,
    upReceived: stats.upReceived,
    downSent: stats.downSent,
    downReceived: stats.downReceived,
    upMoved: before !== undefined && (before.upMoved || before.upSent !== stats.upSent),
    downMoved: before !== undefined && (before.downMoved || before.downSent !== stats.downSent),
  };
  const kept = recent(samples, longest, now);
  const beforeLast = kept.at(-2);
  const crowded = beforeLast !== undefined && now - beforeLast.at < longest / (SAMPLES_MAX - SAMPLES_MIN);
  return [...(crowded ? kept.slice(0, -1) : kept), newest].slice(-SAMPLES_MAX);
}

interface Loss {
  readonly ratio: number;
  /** Number of packets behind the ratio. */
  readonly sent: number;
}

/**
 * Loss of real traffic over the last `windowMs` in the worse direction, 0…1. `undefined` until `SAMPLES_MIN` snapshots
 * are in the window and `PACKETS_MIN` packets were sent, because an unmeasured path must rank last, never best. Each
 * direction counts from its first change after the windows were cleared. Source: failure matrix 2.1.
 */
export function lossOver(samples: readonly Sample[], windowMs: Millis, now: Millis): Loss | undefined {
  const window = recent(samples, windowMs, now);
  const last = window.at(-1);
  if (last === undefined || window.length < SAMPLES_MIN) return undefined;
  const upFirst = window.find((sample) => sample.upMoved) ?? last;
  const downFirst = window.find((sample) => sample.downMoved) ?? last;
  const up = lossOf(last.upSent - upFirst.upSent, last.upReceived - upFirst.upReceived);
  const down = lossOf(last.downSent - downFirst.downSent, last.downReceived - downFirst.downReceived);
  if (up === undefined || down === undefined) return up ?? down;
  return up.ratio >= down.ratio ? up : down;
}

/** Median of the smoothed round trip over the window in ms; `undefined` until measured. */
export function latencyMsOver(samples: readonly Sample[], windowMs: Millis, now: Millis): number | undefined {
  return medianMs(samples, windowMs, now, (sample) => sample.srttUs);
}

/** Median of the jitter over the window in ms; `undefined` until measured. */
export function jitterMsOver(samples: readonly Sample[], windowMs: Millis, now: Millis): number | undefined {
  return medianMs(samples, windowMs, now, (sample) => sample.jitterUs);
}

interface Excessive {
  readonly reason: ThresholdReason;
  readonly measured: number;
  readonly threshold: number;
  readonly windowMs: Millis;
}

const NONE: readonly Excessive[] = [];

/** All thresholds that a path exceeds, in the order of `THRESHOLD_REASONS`. An unmeasured value exceeds nothing. */
export function excessesOf(path: Path, policy: PathPolicy, now: Millis): readonly Excessive[] {
  const since = path.health.is === "alive" ? path.health.unansweredSince : null;
  if (path.samples.length === 0 && since === null) return NONE;
  const { loss, latency, jitter } = policy.volatile;
  const found: Excessive[] = [];
  const lost = lossOver(path.samples, loss.windowMs, now);
  if (lost !== undefined && lossExceeds(lost, loss.threshold)) {
    found.push({ reason: "loss_threshold_exceeded", measured: lost.ratio, threshold: loss.threshold, windowMs: loss.windowMs });
  }
  const latencyMs = latencyMsOver(path.samples, latency.windowMs, now);
  if (latencyMs !== undefined && latencyMs > latency.thresholdMs) {
    found.push({
      reason: "latency_threshold_exceeded",
      measured: latencyMs,
      threshold: latency.thresholdMs,
      windowMs: latency.windowMs,
    });
  }
  const jitterMs = jitterMsOver(path.samples, jitter.windowMs, now);
  if (jitterMs !== undefined && jitterMs > jitter.thresholdMs) {
    found.push({
      reason: "jitter_threshold_exceeded",
      measured: jitterMs,
      threshold: jitter.thresholdMs,
      windowMs: jitter.windowMs,
    });
  }
  if (since !== null && now - since > loss.windowMs) {
    found.push({ reason: "heartbeat_timeout", measured: now - since, threshold: loss.windowMs, windowMs: loss.windowMs });
  }
  return found;
}

/** True if the loss is above the threshold, and higher than chance allows at half the threshold. */
export function lossExceeds({ ratio, sent }: Loss, threshold: number): boolean {
  const half = threshold / 2;
  return ratio > threshold && ratio > half + CHANCE_SIGMAS * Math.sqrt((half * (1 - half)) / sent);
}

/** Updates the average of probe loss with the difference to the previous snapshot. */
export function probed(probes: Probes, stats: PathStats): Probes {
  const answered = stats.probesAnswered - (probes.answered ?? stats.probesAnswered);
  const lost = stats.probesLost - (probes.lost ?? stats.probesLost);
  const counters = { answered: stats.probesAnswered, lost: stats.probesLost };
  if (answered < 0 || lost < 0 || answered + lost === 0) return { ...probes, ...counters };
  const count = Math.min(answered + lost, PROBES_MEMORY);
  const keep = (1 - 1 / PROBES_MEMORY) ** count;
  const lossRatio = keep * probes.lossRatio + (1 - keep) * (lost / (answered + lost));
  return { ...counters, judged: Math.min(probes.judged + count, PROBES_MEMORY), lossRatio };
}

function recent(samples: readonly Sample[], windowMs: Millis, now: Millis): readonly Sample[] {
  return samples.filter((sample) => now - sample.at <= windowMs);
}

function lossOf(sent: number, received: number): Loss | undefined {
  if (sent < PACKETS_MIN || received < 0) return undefined;
  return { ratio: Math.max(0, 1 - received / sent), sent };
}

function medianMs(
  samples: readonly Sample[],
  windowMs: Millis,
  now: Millis,
  valueUs: (sample: Sample) => number,
): number | undefined {
  const measured = recent(samples, windowMs, now).filter((sample) => sample.srttUs > 0);
  if (measured.length < SAMPLES_MIN) return undefined;
  const values = measured.map(valueUs).sort((a, b) => a - b);
  const middle = values.length >> 1;
  const upper = values[middle] ?? 0;
  const medianUs = values.length % 2 === 1 ? upper : ((values[middle - 1] ?? 0) + upper) / 2;
  return medianUs / 1_000;
}
