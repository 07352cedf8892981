import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import type { Netns } from "../ip.ts";
import type { Scope } from "../scope.ts";

/** Starts a third-party program in a namespace. It ends with the scope. */
export function startProgram(scope: Scope, netns: Netns, file: string, args: readonly string[]): void {
  const { file: program, args: words } = netns.inside(file, args);
  const child = spawn(program, words, { stdio: "ignore", detached: true });
  scope.defer(`process ${child.pid} (${file})`, async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, "exit");
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 3_000);
    await exit;
    clearTimeout(timer);
  });
}

export function isInstalled(program: string): boolean {
  return spawnSync("sh", ["-c", `command -v -- "$0"`, program], { stdio: "ignore" }).status === 0;
}
