import fc from "fast-check";
import { expect, test } from "vitest";
import { cdf, ratios } from "./plot.ts";

test("a distribution is drawn as steps that rise to 1", () => {
  const drawn = cdf("gaps", "ms", [{ name: "both", values: [10, 100] }]);
  expect(drawn).toContain(">both</text>");
  expect(drawn).toMatch(/points="60,270 60,270 60,155 550,155 550,40 550,40"/);
});

test("values that never ended keep the curve below 1", () => {
  const drawn = cdf("gaps", "ms", [{ name: "a", values: [10, null] }]);
  expect(drawn).toContain('points="60,270 60,270 60,155 550,155"');
});

test("if no value ended, the curve is a line at 0", () => {
  expect(cdf("gaps", "ms", [{ name: "a", values: [null] }])).toContain('points="60,270 550,270"');
});

test("special characters in names do not break the SVG", () => {
  expect(ratios("<a> & b", "×", [{ name: "x<y", value: 1, low: 1, high: 2 }], 1)).toContain("&lt;a&gt; &amp; b");
});

test("for any data, every coordinate is a number within the picture", () => {
  const value = fc.option(fc.double({ min: 0, max: 1e7, noNaN: true }));
  fc.assert(
    fc.property(fc.array(value, { maxLength: 50 }), fc.double({ noNaN: false }), (values, odd) => {
      const drawn =
        cdf("t", "ms", [{ name: "a", values }]) + ratios("t", "×", [{ name: "b", value: odd, low: odd, high: odd }], 1);
      expect(drawn).not.toContain("NaN");
      for (const [, at] of drawn.matchAll(/ x[12]?="([^"]*)"/g)) {
        expect(Number(at)).toBeGreaterThanOrEqual(0);
        expect(Number(at)).toBeLessThanOrEqual(720);
      }
    }),
    { numRuns: 200 },
  );
});
