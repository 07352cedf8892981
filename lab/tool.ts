import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Netns } from "./ip.ts";
import { TOOL } from "./paths.ts";
import type { Scope } from "./scope.ts";

interface Json {
  readonly error?: unknown;
  readonly [field: string]: unknown;
}

/** Longest wait for one answer of a native tool. */
const ANSWER_TIMEOUT_MS = 20_000;

/**
 * A native tool that runs beside the lab. The lab sends requests as JSON lines; each gets one answer, in order. A tool
 * ends when its standard input closes, so that none outlives the lab.
 */
export class Tool {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #waiting: { readonly resolve: (answer: Json) => void; readonly reject: (error: Error) => void }[] = [];
  readonly #early: Json[] = [];
  #stderr = "";
  #ended: Error | null = null;

  private constructor(child: ChildProcess, name: string) {
    this.#child = child;
    this.#name = name;
    if (child.stdout === null || child.stderr === null) throw new Error(`${name}: no pipes`);
    createInterface({ input: child.stdout }).on("line", (line) => this.#receive(line));
    child.stderr.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-4_000);
    });
    child.on("exit", (code) => this.#end(new Error(`${name} ended with ${code}: ${this.#stderr.trim()}`)));
    child.on("error", (error) => this.#end(error));
    // A tool that has ended does not read its last command. Its exit reports the same failure.
    child.stdin?.on("error", (error) => this.#end(error));
  }

  /**
   * Starts `jvpn-lab <args>` in a namespace, or in none. A tool that answers requests prints a line when it is ready. A
   * tool that only runs and reports at the end does not: `speaksFirst: false`.
   */
  static async start(scope: Scope, netns: Netns | null, args: readonly string[], speaksFirst = true): Promise<Tool> {
    const words = netns === null ? [...args] : [...args, "--netns", netns.name];
    // The tool has its own process session, so that Ctrl-C reaches only the lab. The lab then ends its tools in order.
    const tool = Tool.#run(scope, `jvpn-lab ${args[0]} ${args[1] ?? ""}`.trim(), TOOL, words);
    if (speaksFirst) await tool.next();
    return tool;
  }

  /** Starts another program that answers JSON lines and prints a line when it is ready. */
  static async startProgram(scope: Scope, netns: Netns, name: string, program: string, words: readonly string[]): Promise<Tool> {
    const { file, args } = netns.inside(program, words);
    const tool = Tool.#run(scope, name, file, args);
    await tool.next();
    return tool;
  }

  static #run(scope: Scope, name: string, file: string, args: readonly string[]): Tool {
    const child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"], detached: true });
    const tool = new Tool(child, name);
    scope.defer(`process ${child.pid} (${name})`, () => tool.stop());
    return tool;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Sends one request and returns its answer. Throws if there is none within `limitMs`, or if it has an `error`. */
  async ask(request: Json, limitMs = ANSWER_TIMEOUT_MS): Promise<Json> {
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    const answer = await this.next(limitMs);
    if (typeof answer.error === "string") throw new Error(`${this.#name}: ${answer.error}`);
    return answer;
  }

  /** Returns the next line that the tool prints. Throws if there is none within `limitMs`. */
  next(limitMs = ANSWER_TIMEOUT_MS): Promise<Json> {
    const early = this.#early.shift();
    if (early !== undefined) return Promise.resolve(early);
    if (this.#ended !== null) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${this.#name}: no answer for ${limitMs} ms`)), limitMs);
      const settle =
        <T>(then: (value: T) => void) =>
        (value: T): void => {
          clearTimeout(timer);
          then(value);
        };
      this.#waiting.push({ resolve: settle(resolve), reject: settle(reject) });
    });
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, "exit");
    this.#child.stdin?.end('{"op":"quit"}\n');
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 3_000);
    await exit;
    clearTimeout(timer);
  }

  #receive(line: string): void {
    let answer: Json;
    try {
      answer = JSON.parse(line) as Json;
    } catch {
      answer = { error: `not JSON: ${line.slice(0, 200)}` };
    }
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#early.push(answer);
    else waiting.resolve(answer);
  }

  #end(error: Error): void {
    this.#ended = error;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
  }
}
