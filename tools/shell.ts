import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root; this file runs as `build/tools/shell.js`. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

export interface Ran {
  readonly ok: boolean;
  /** Standard output followed by standard error, each at most 64 MiB. */
  readonly output: string;
}

/** Runs a command and captures its output. If it cannot start, the result is `ok: false` with the reason. */
export function run(command: string, args: readonly string[], cwd = ROOT): Ran {
  const result = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    maxBuffer: 64 << 20,
    env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0" },
  });
  if (result.error !== undefined) return { ok: false, output: result.error.message };
  return { ok: result.status === 0, output: `${result.stdout}${result.stderr}` };
}

/** Path of a tool that npm installed. */
export function bin(name: string): string {
  return join(ROOT, "node_modules", ".bin", name);
}
