import fc from "fast-check";
import { expect, test } from "vitest";
import { distribution, interval, poissonUpper95 } from "./statistics.ts";

test("the median of an even number of values is the mean of the two middle ones", () => {
  expect(interval([4, 1, 3, 2]).median).toBe(2.5);
  expect(interval([5, 1, 3]).median).toBe(3);
});

test("the interval contains the median and lies within the data", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0.1, max: 100, noNaN: true }), { minLength: 3, maxLength: 20 }), (values) => {
      const { median: middle, ci95 } = interval(values);
      expect(ci95[0]).toBeLessThanOrEqual(middle);
      expect(ci95[1]).toBeGreaterThanOrEqual(middle);
      expect(ci95[0]).toBeGreaterThanOrEqual(Math.min(...values));
      expect(ci95[1]).toBeLessThanOrEqual(Math.max(...values));
    }),
    { numRuns: 20 },
  );
});

test("the same data give the same interval", () => {
  expect(interval([1, 2, 3, 4, 5, 6, 7])).toEqual(interval([1, 2, 3, 4, 5, 6, 7]));
});

test("a value that never ended ranks last", () => {
  expect(distribution([3, null, 1, 2])).toEqual({ n: 4, p50: 2, p90: null, p99: null, max: null });
  expect(distribution([])).toEqual({ n: 0, p50: null, p90: null, p99: null, max: null });
});

test("the upper bound of a rate equals the published tables", () => {
  expect(poissonUpper95(0)).toBeCloseTo(2.996, 3);
  expect(poissonUpper95(1)).toBeCloseTo(4.744, 3);
  expect(poissonUpper95(10)).toBeCloseTo(16.962, 3);
});
