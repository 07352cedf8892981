import { join } from "node:path";
import { expect, test } from "vitest";
import { MUTANTS, OPEN } from "./table.ts";
import { requireUpToDate } from "./workshop.ts";

test("every planted mistake changes exactly one place of the engine's sources", () => {
  const all = [...MUTANTS, ...OPEN];
  expect(() => requireUpToDate(all, join(import.meta.dirname, "..", ".."))).not.toThrow();
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  expect(MUTANTS.length).toBeGreaterThanOrEqual(60);
});
