import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "#daemon/fault";

interface RunResult {
  /** `null` = the program could not be run, or was stopped after its time limit. */
  readonly code: number | null;
  readonly stderr: string;
}

/** The part of the machine that the daemon changes. Tests replace it. */
export interface Machine {
  run(program: "ip" | "nft", args: readonly string[], stdin: string): Promise<RunResult>;
  /** Reads a key such as `net.ipv4.ip_forward`; `null` if the kernel does not have it. */
  readSysctl(key: string): string | null;
  writeSysctl(key: string, value: string): void;
}

const RUN_MS_MAX = 5_000;
const STDERR_BYTES_MAX = 16_384;

export const machine: Machine = { run, readSysctl, writeSysctl };

function run(program: string, args: readonly string[], stdin: string): Promise<RunResult> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ["pipe", "ignore", "pipe"], timeout: RUN_MS_MAX, killSignal: "SIGKILL" });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      stderr = (stderr + chunk).slice(0, STDERR_BYTES_MAX);
    });
    child.on("error", (cause) => {
      const missing = errnoOf(cause) === "ENOENT";
      resolve({ code: null, stderr: missing ? `the program \`${program}\` is not installed` : cause.message });
    });
    child.on("close", (code, signal) => {
      resolve({ code, stderr: signal === null ? stderr.trim() : `\`${program}\` took longer than ${RUN_MS_MAX / 1000} s` });
    });
    child.stdin.on("error", () => {}); // the program ended before it read its input; its exit code shows the failure
    child.stdin.end(stdin);
  });
}

const pathOf = (key: string): string => join("/proc/sys", ...key.split("."));

function readSysctl(key: string): string | null {
  try {
    return readFileSync(pathOf(key), "utf8").trim();
  } catch {
    return null;
  }
}

function writeSysctl(key: string, value: string): void {
  writeFileSync(pathOf(key), value);
}
