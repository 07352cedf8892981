import { describe, expect, test } from "vitest";
import { attackFaults } from "./attacks.ts";

const row = (id: string, last: string): string => `| ${id} | something bad | nothing happens | ${last} |\n`;
const FILES = new Map([
  ["engine/a.rs", "#[test]\nfn a01_a_replay_is_refused() {}\nfn a010_is_no_id() {}\n"],
  ["daemon/b.test.ts", 'test("A02, A03: nothing leaves", () => {});\ntest("A1: is no id", () => {});\n'],
]);
const WHOLE =
  row("A01", "`engine/a.rs`") + row("A02", "`daemon/b.test.ts`") + row("A03", "`daemon/b.test.ts`") + row("A04", "none: later");

describe("the attack list", () => {
  test("agrees with the tests if each id has the files that test it, or a reason", () => {
    expect(attackFaults(WHOLE, FILES)).toEqual([]);
  });

  test("is at fault for an id without a test and without a reason", () => {
    expect(attackFaults(WHOLE + row("A05", "–"), FILES)).toEqual(["A05 has neither a test nor a reason for having none"]);
  });

  test("is at fault for a test that it does not know, or does not name", () => {
    expect(attackFaults(WHOLE.replace(/.*A03.*\n/, ""), FILES)).toEqual([
      "A03: daemon/b.test.ts cites it, and the list does not have it",
    ]);
    expect(attackFaults(WHOLE.replace("| `engine/a.rs`", "| none: later"), FILES)).toEqual([
      "A01: engine/a.rs tests it and is not in its row",
    ]);
  });

  test("is at fault for a test that it names and nobody wrote, and for an id that it has twice", () => {
    expect(attackFaults(WHOLE + row("A04", "`engine/a.rs`"), FILES)).toEqual([
      "A04 is in the list twice",
      "A04: no test of engine/a.rs carries this id",
    ]);
  });
});
