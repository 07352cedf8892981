/** Programs that put load on the machine while a case runs. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Netns } from "./ip.ts";
import { PRESSURE } from "./paths.ts";
import type { Scope } from "./scope.ts";

/** Starts a Node.js script in a namespace. It ends with the scope. */
async function start(scope: Scope, netns: Netns, script: string, args: readonly string[]): Promise<ChildProcess> {
  const { file, args: words } = netns.inside(process.execPath, [script, ...args]);
  const child = spawn(file, words, { stdio: ["ignore", "ignore", "inherit"], detached: true });
  scope.defer(`process ${child.pid} (${script})`, async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  });
  return child;
}

/** Starts busy loops and touches memory for a limited time. Returns a function that waits for the end. */
export async function press(scope: Scope, netns: Netns, load: { loops: number; mebibytes: number; seconds: number }) {
  const each = Math.ceil(load.mebibytes / load.loops);
  const children = await Promise.all(
    Array.from({ length: load.loops }, () => start(scope, netns, PRESSURE, [`${each}`, `${load.seconds}`])),
  );
  return async (): Promise<void> => {
    await Promise.all(children.map((child) => (child.exitCode === null ? once(child, "exit") : undefined)));
  };
}
