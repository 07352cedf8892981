import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { claimState } from "./claim.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "jvpn-claim-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a second daemon cannot use a state directory that is held, until it is released", () => {
  const claim = claimState(folder);
  expect(() => claimState(folder)).toThrow(`the state directory ${folder} is in use`);
  claim.release();
  claimState(folder).release();
});

test("the claim of a process that ended is taken over, also when its id belongs to another one", () => {
  writeFileSync(join(folder, "daemon.pid"), "4194999 12345\n");
  claimState(folder).release();
  writeFileSync(join(folder, "daemon.pid"), `${process.pid} 1\n`);
  claimState(folder).release();
  writeFileSync(join(folder, "daemon.pid"), "torn");
  claimState(folder).release();
});
