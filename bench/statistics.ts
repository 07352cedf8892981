/** Statistics of paired slices. A ratio is formed per round, because a shared machine drifts from round to round. */

export interface Interval {
  readonly median: number;
  /** Bootstrap 95 % interval of the median. */
  readonly ci95: readonly [number, number];
  readonly n: number;
}

const RESAMPLES = 10_000;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined) return Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** Median with its bootstrap interval. The resampling is seeded: the same data give the same interval. */
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

/** 0…1, a 32-bit mixing generator (splitmix32): only its repeatability matters here. */
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
