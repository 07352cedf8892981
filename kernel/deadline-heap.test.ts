import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DeadlineHeap } from "#kernel/deadline-heap";

const change = fc.record({ key: fc.nat(20), at: fc.option(fc.nat(100), { nil: null }) });

describe("deadline heap", () => {
  test("pops keys in the order of a sorted map, whatever was set and cleared before", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 80 }), fc.nat(100), (changes, now) => {
        const heap = new DeadlineHeap();
        const oracle = new Map<number, number>();
        for (const { key, at } of changes) {
          heap.set(key, at);
          if (at === null) oracle.delete(key);
          else oracle.set(key, at);
        }
        const sorted = [...oracle].sort(([a, x], [b, y]) => x - y || a - b);
        expect(heap.entries()).toEqual(sorted);
        expect(heap.earliest).toBe(sorted[0]?.[1] ?? null);
        const due: number[] = [];
        for (let key = heap.popDue(now); key !== null; key = heap.popDue(now)) due.push(key);
        expect(due).toEqual(sorted.filter(([, at]) => at <= now).map(([key]) => key));
      }),
      { numRuns: 2_000 },
    );
  });
});
