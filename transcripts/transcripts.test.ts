import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { play } from "./run.ts";

const folder = import.meta.dirname;
const rewrite = process.env.JVPN_REWRITE === "1";

describe.each(readdirSync(folder).filter((name) => name.endsWith(".txt")))("%s", (name) => {
  const source = readFileSync(join(folder, name), "utf8");
  const played = play(source);
  if (rewrite) writeFileSync(join(folder, name), played.text);

  test("produces exactly the written output", () => {
    expect(played.text).toBe(rewrite ? played.text : source);
  });

  test("has the expected events in their order", () => {
    expect(played.expected.length).toBeGreaterThan(0);
    expect(subsequence(played.expected, played.events)).toEqual(played.expected);
  });
});

/** The longest start of `wanted` that occurs in `events` in this order. */
function subsequence(wanted: readonly string[], events: readonly string[]): readonly string[] {
  let at = 0;
  for (const event of events) if (event === wanted[at]) at++;
  return wanted.slice(0, at);
}
