import { join } from "node:path";
import { expect, test } from "vitest";
import { MUTANTS } from "./mutants.ts";
import { requireUpToDate } from "./workshop.ts";

test("every planted mistake changes exactly one place of what was built", () => {
  expect(() => requireUpToDate(MUTANTS, join(import.meta.dirname, "..", "..", "build"))).not.toThrow();
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
});
