/** Programs that run beside the lab and are no tools of its own: conversations, pressure. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Typed } from "./interactive.ts";
import type { Netns } from "./ip.ts";
import { INTERACTIVE, PRESSURE } from "./paths.ts";
import type { Scope } from "./scope.ts";

/** A program in a namespace; it ends with the scope. */
async function start(scope: Scope, netns: Netns, script: string, args: readonly string[]): Promise<ChildProcess> {
  const { file, args: words } = netns.inside(process.execPath, [script, ...args]);
  const child = spawn(file, words, { stdio: ["pipe", "pipe", "inherit"], detached: true });
  scope.defer(`process ${child.pid} (${script})`, async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  });
  return child;
}

function nextLine(child: ChildProcess, limitMs: number): Promise<string> {
  if (child.stdout === null) throw new Error("no pipe");
  const lines = createInterface({ input: child.stdout });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer for ${limitMs} ms`)), limitMs);
    lines.once("line", (line) => {
      clearTimeout(timer);
      lines.close();
      resolve(line);
    });
    child.once("exit", (code) => reject(new Error(`it ended with ${code}`)));
  });
}

/** A person at a remote shell: a line each 50 ms, its echo awaited. */
export class Conversation {
  readonly #typist: ChildProcess;

  private constructor(typist: ChildProcess) {
    this.#typist = typist;
  }

  static async start(scope: Scope, server: Netns, client: Netns, address: string): Promise<Conversation> {
    const port = "7200";
    await nextLine(await start(scope, server, INTERACTIVE, ["serve", address, port]), 10_000);
    return new Conversation(await start(scope, client, INTERACTIVE, ["type", address, port]));
  }

  /** What was said so far; an error when the conversation is over. */
  async report(): Promise<Typed> {
    this.#typist.stdin?.write("report\n");
    return JSON.parse(await nextLine(this.#typist, 10_000)) as Typed;
  }
}

/** Busy loops and touched memory, for a bounded time. Returns how to wait for their end. */
export async function press(scope: Scope, netns: Netns, load: { loops: number; mebibytes: number; seconds: number }) {
  const each = Math.ceil(load.mebibytes / load.loops);
  const children = await Promise.all(
    Array.from({ length: load.loops }, () => start(scope, netns, PRESSURE, [`${each}`, `${load.seconds}`])),
  );
  return async (): Promise<void> => {
    await Promise.all(children.map((child) => (child.exitCode === null ? once(child, "exit") : undefined)));
  };
}
