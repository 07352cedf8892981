/** Statistics of paired slices. Ratios are formed per round, because the speed of a shared machine drifts. */

export interface Interval {
  readonly median: number;
  /** Bootstrap 95 % interval of the median. */
  readonly ci95: readonly [number, number];
  readonly n: number;
}

const RESAMPLES = 10_000;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined) return Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** Median with its bootstrap interval. The resampling is seeded, so that the same data give the same interval. */
export function interval(values: readonly number[], seed = 1): Interval {
  const draw = generator(seed);
  const medians: number[] = [];
  for (let round = 0; round < RESAMPLES; round += 1) {
    medians.push(median(values.map(() => values[Math.floor(draw() * values.length)] ?? Number.NaN)));
  }
  medians.sort((a, b) => a - b);
  const at = (share: number): number => medians[Math.min(RESAMPLES - 1, Math.floor(share * RESAMPLES))] ?? Number.NaN;
  return { median: median(values), ci95: [at(0.025), at(0.975)], n: values.length };
}

/** Pseudo-random numbers in 0…1 (splitmix32). Only repeatability matters here. */
function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    mixed ^= mixed >>> 15;
    return (mixed >>> 0) / 2 ** 32;
  };
}

/** Percentiles of measured times (nearest rank). `null` = the time never ended; it ranks after all others. */
export interface Distribution {
  readonly n: number;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

/** A value of `null` stands for a time that never ended. */
export function distribution(values: readonly (number | null)[]): Distribution {
  const sorted = values.map((value) => value ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
  const at = (share: number): number | null => {
    const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
    return value === undefined || value === Number.POSITIVE_INFINITY ? null : value;
  };
  return { n: values.length, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

/** Exact upper 95 % bound of a Poisson mean after `count` events were seen: 3.00 for 0. `count` ≤ 1000. */
export function poissonUpper95(count: number): number {
  let [low, high] = [count, count + 10 + 5 * Math.sqrt(count + 1)];
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (poissonAtMost(count, middle) > 0.05) low = middle;
    else high = middle;
  }
  return high;
}

/** Probability of at most `count` events at this mean. */
function poissonAtMost(count: number, mean: number): number {
  let [term, sum] = [Math.exp(-mean), 0];
  for (let k = 0; k <= count; k += 1) {
    sum += term;
    term *= mean / (k + 1);
  }
  return sum;
}
