import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { claimState } from "./claim.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "jvpn-claim-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a second daemon cannot use a claimed state directory until it is released", () => {
  const claim = claimState(folder);
  expect(() => claimState(folder)).toThrow(`the state directory ${folder} is in use`);
  claim.release();
  claimState(folder).release();
});

test("the claim of an ended process is taken over, also when its id belongs to another process", () => {
  writeFileSync(join(folder, "daemon.pid"), "4194999 12345\n");
  claimState(folder).release();
  writeFileSync(join(folder, "daemon.pid"), `${process.pid} 1\n`);
  claimState(folder).release();
  writeFileSync(join(folder, "daemon.pid"), "torn");
  claimState(folder).release();
});

test("the claim of a killed process is taken over, also before its parent collects it", async () => {
  // The shell replaces itself by a program that never collects the shell's child.
  const parent = spawn("sh", ["-c", "sleep 60 & echo $!; exec sleep 60"], { stdio: ["ignore", "pipe", "ignore"] });
  try {
    const [output] = (await once(parent.stdout, "data")) as [Buffer];
    const pid = Number(output.toString());
    writeFileSync(join(folder, "daemon.pid"), `${pid} ${statOf(pid)[19]}\n`);
    expect(() => claimState(folder)).toThrow(`the state directory ${folder} is in use`);
    process.kill(pid, "SIGKILL");
    await expect.poll(() => statOf(pid)[0]).toBe("Z");
    claimState(folder).release();
    expect(statOf(pid)[0]).toBe("Z");
  } finally {
    parent.kill("SIGKILL");
  }
});

test("a directory that other users can write to is refused, and so is a link", () => {
  chmodSync(folder, 0o770);
  expect(() => claimState(folder)).toThrow(
    expect.objectContaining({ faults: [expect.objectContaining({ why: expect.stringContaining("0770") })] }),
  );
  chmodSync(folder, 0o700);
  symlinkSync(folder, join(folder, "link"));
  expect(() => claimState(join(folder, "link"))).toThrow(/cannot be used/);
});

test.runIf(process.geteuid?.() === 0)("a directory of another user is refused", () => {
  mkdirSync(join(folder, "theirs"));
  chownSync(join(folder, "theirs"), 65_534, 65_534);
  expect(() => claimState(join(folder, "theirs"))).toThrow(/cannot be used/);
});

test("a link in the place of the claim file is not followed", () => {
  const victim = join(folder, "victim");
  writeFileSync(victim, "precious");
  symlinkSync(victim, join(folder, `daemon.pid.${process.pid}`));
  claimState(folder).release();
  expect(readFileSync(victim, "utf8")).toBe("precious");
});

/** The fields of `/proc/<pid>/stat`, starting with the state. */
function statOf(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}
