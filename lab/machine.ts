import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { ROOT } from "./paths.ts";

/** The commit and the machine that a figure was measured with. It is stored beside every figure. */
export interface Provenance {
  readonly commit: string;
  readonly kernel: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  readonly at: string;
}

export function provenance(): Provenance {
  const git = (...args: string[]): string => execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).trim();
  // New files in bench/data do not change what is measured, so they do not make the tree dirty.
  const dirty = git("status", "--porcelain", "--", ".", ":!bench/data") === "" ? "" : "+";
  return {
    commit: `${git("rev-parse", "--short=12", "HEAD")}${dirty}`,
    kernel: release(),
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    at: new Date().toISOString(),
  };
}

/** Time of all processors since boot, in clock ticks. */
interface Ticks {
  readonly busy: number;
  readonly steal: number;
  readonly all: number;
}

export function ticks(): Ticks {
  const first = readFileSync("/proc/stat", "utf8").split("\n")[0] ?? "";
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = first
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const busy = user + nice + system + irq + softirq;
  return { busy, steal, all: busy + idle + iowait + steal };
}
