import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Undo } from "./change.ts";
import { UndoJournal } from "./undo-journal.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "jvpn-journal-"));
  file = join(folder, "undo.jsonl");
});
afterEach(() => rmSync(folder, { recursive: true }));

const OURS: readonly Undo[] = [
  { kind: "ip", family: 4, args: ["address", "del", "10.80.0.2/32", "dev", "jvpn0"] },
  { kind: "ip", family: 6, args: ["route", "del", "default", "dev", "jvpn0", "table", "4774"] },
  { kind: "ip", family: 4, args: ["rule", "del", "pref", "14774", "not", "fwmark", "0x4a56", "lookup", "4774"] },
  { kind: "sysctl", key: "net.ipv6.conf.eth0.accept_ra", value: "1" },
  { kind: "nft", script: "delete table ip jvpn_jvpn_0\n" },
];

test("all noted entries are read back", () => {
  new UndoJournal(folder).note(OURS);
  expect(new UndoJournal(folder).entries).toEqual(OURS);
});

test.each([
  ["a program", { kind: "ip", family: 4, args: ["netns", "exec", "x", "sh"] }],
  ["another verb", { kind: "ip", family: 4, args: ["route", "add", "default"] }],
  ["an option", { kind: "ip", family: "4 -batch /x", args: ["route", "del"] }],
  ["an argument that is not text", { kind: "ip", family: 4, args: ["route", "del", {}] }],
  ["no arguments", { kind: "ip", family: 4, args: [] }],
  ["a key outside of `net`", { kind: "sysctl", key: "kernel.core_pattern", value: "1" }],
  ["a key that leaves its folder", { kind: "sysctl", key: "net.ipv4.../../kernel/core_pattern", value: "1" }],
  ["a value that is not a number", { kind: "sysctl", key: "net.ipv4.ip_forward", value: "|/x" }],
  ["a script with more commands", { kind: "nft", script: "delete table ip jvpn_a\nflush ruleset" }],
  ["a table of another program", { kind: "nft", script: "delete table ip nat" }],
  ["nothing", null],
])("%s is not executed", (_, entry) => {
  writeFileSync(file, `${JSON.stringify(entry)}\n`, { mode: 0o600 });
  expect(new UndoJournal(folder).entries).toEqual([]);
});

test("a journal that other users can write to is refused, and so is a link", () => {
  new UndoJournal(folder).note(OURS);
  chmodSync(file, 0o662);
  expect(() => new UndoJournal(folder)).toThrow(/mode 0662 lets other users write/);
  rmSync(file);
  writeFileSync(join(folder, "planted"), "");
  symlinkSync(join(folder, "planted"), file);
  expect(() => new UndoJournal(folder)).toThrow(/symbolic link/);
});

test("a link in the place of the new journal is not followed", () => {
  const journal = new UndoJournal(folder);
  journal.note(OURS);
  writeFileSync(join(folder, "victim"), "precious");
  symlinkSync(join(folder, "victim"), `${file}.new`);
  journal.strike(OURS.slice(0, 1));
  expect(readFileSync(join(folder, "victim"), "utf8")).toBe("precious");
  expect(new UndoJournal(folder).entries).toHaveLength(4);
});
