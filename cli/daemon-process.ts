import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { join } from "node:path";
import { EXIT } from "#kernel/contract/exit-code";
import { ControlError } from "#sdk/index";

/** Compiled, this file is build/cli/daemon-process.js; tests run it from its source. */
const ROOT = join(import.meta.dirname, import.meta.url.endsWith(".ts") ? ".." : "../..");

/** The error code for an exit code of the daemon's own verbs. */
const CODES: Readonly<Record<number, "usage" | "configuration">> = {
  [EXIT.usage]: "usage",
  [EXIT.configuration]: "configuration",
};

const OUTPUT_BYTES_MAX = 4 * 1024 * 1024;

/** Starts `jvpnd` with the same Node. */
export function spawnDaemon(args: readonly string[], options: SpawnOptions): ChildProcess {
  return spawn(process.execPath, [join(ROOT, "bin/jvpnd"), ...args], options);
}

/** Runs one of the daemon's own verbs (keys, configuration) to its end. Only the daemon's program reads keys. */
function askDaemon(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawnDaemon(args, { stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      stdout = (stdout + chunk).slice(0, OUTPUT_BYTES_MAX);
    });
    child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      stderr = (stderr + chunk).slice(0, OUTPUT_BYTES_MAX);
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? 1, stdout, stderr }));
  });
}

/** Runs such a verb, passes its output on, and returns its exit code. */
export async function passToDaemon(args: readonly string[]): Promise<number> {
  const { code, stdout, stderr } = await askDaemon(args);
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  return code;
}

/** Returns what such a verb prints. A refusal is thrown with the three lines that the daemon printed. */
export async function requireFromDaemon(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await askDaemon(args);
  if (code === 0) return stdout.trim();
  const [what = "", why = "", hint = ""] = stderr.split("\n").map((line) => line.replace(/^\s*(error|why|do):\s*/, ""));
  throw new ControlError({ code: CODES[code] ?? "failed", message: what, why, hint, retryAfterMs: null });
}
