import fc from "fast-check";
import { expect, test } from "vitest";
import { backoff } from "./backoff.ts";

test("the wait doubles with each failure, from the first wait to the longest", () => {
  expect([1, 2, 3, 4, 5, 6].map((failures) => backoff(failures, 250, 5_000))).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000]);
});

test("before any failure the wait is the first one", () => {
  expect(backoff(0, 250, 5_000)).toBe(250);
});

test("for any count it is finite, within its bounds, and never shorter than after one failure less", () => {
  const ms = fc.integer({ min: 0, max: 3_600_000 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), ms, ms, (failures, first, more) => {
      const wait = backoff(failures, first, first + more);
      expect(wait).toBeGreaterThanOrEqual(backoff(failures - 1, first, first + more));
      expect(wait).toBeLessThanOrEqual(first + more);
    }),
  );
});
