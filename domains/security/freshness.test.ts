import fc from "fast-check";
import { expect, test } from "vitest";
import { ATTEMPTS_MAX, admit, type Freshness, NOTHING_SEEN } from "./freshness.ts";

test("an id is fresh once", () => {
  const first = admit(NOTHING_SEEN, 7);
  expect(first.verdict).toBe("fresh");
  expect(admit(first.next, 7)).toEqual({ next: first.next, verdict: "replayed" });
  expect(admit(first.next, 6).verdict).toBe("fresh");
});

test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("%d is no id", (id) => {
  expect(admit(NOTHING_SEEN, id)).toEqual({ next: NOTHING_SEEN, verdict: "malformed" });
});

test("at capacity the lowest become the floor, and everything up to it is stale", () => {
  let cache = NOTHING_SEEN;
  for (let id = 2; id <= ATTEMPTS_MAX + 2; id++) cache = admit(cache, id).next;
  expect(cache.floor).toBe(2);
  expect(admit(cache, 1).verdict).toBe("stale");
  expect(admit(cache, 2).verdict).toBe("stale");
});

test("no flood makes a used id fresh again, whatever an unbounded set remembers", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 600 }), (ids) => {
      let cache: Freshness = NOTHING_SEEN;
      const used = new Set<number>();
      for (const id of ids) {
        const { next, verdict } = admit(cache, id);
        if (verdict === "fresh") expect(used.has(id)).toBe(false);
        if (verdict === "replayed") expect(used.has(id)).toBe(true);
        if (verdict === "fresh") used.add(id);
        expect(next.seen.length).toBeLessThanOrEqual(ATTEMPTS_MAX);
        expect(next.floor).toBeGreaterThanOrEqual(cache.floor);
        cache = next;
      }
    }),
  );
});
