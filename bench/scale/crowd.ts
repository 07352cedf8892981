/** Many clients in one process (`engine/crowd`): they speak the real protocol, over real UDP, each from an address of its own. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Ground } from "#lab/contenders/contender";
import { ROOT } from "#lab/paths";
import type { Scope } from "#lab/scope";
import { Tool } from "#lab/tool";
import { yieldToAll } from "./threads.ts";

const execute = promisify(execFile);

const ENGINE = join(ROOT, "engine");
const BUILD = ["build", "--release", "--locked", "-q", "-p", "jvpn-crowd"];
const PROGRAM = join(ENGINE, "target", "release", "jvpn-crowd");
/** Addresses of all clients, before and after their jumps: the kernel of their namespace takes them for its own. */
const ADDRESSES = "10.128.0.0/9";
/** A gateway opens at most 2,000 handshakes in a second. */
const JOINS_PER_SECOND = 1_900;
/** What one packet thread takes without losing any. */
const PACKETS_PER_SECOND = 20_000;
/** A machine that has other work, too, may take this long for each. */
const JOIN_MS_MAX = 5;
const ANSWER_MS = 10_000;
const PING_MS_MAX = 10_000;
/** Who pings wakes, and both ends look for the size of the path: more than these would be lost for their number. */
const PINGS_PER_SECOND = 500;

/** How a task of the crowd went; times in µs. */
export interface Done {
  readonly attached: number;
  readonly missing: number;
  readonly us: number;
  readonly tookUs: { readonly p50: number; readonly p90: number; readonly p99: number; readonly max: number };
  /** Datagrams that clients sent until they were attached, or as pings. */
  readonly datagrams: number;
  /** Attempts that were begun anew because nobody answered. */
  readonly unanswered: number;
  readonly denied: number;
  /** Datagrams that the kernel of the clients refused. */
  readonly unsent: number;
  /** Sessions that the gateway ended. */
  readonly ended: number;
}

export async function buildCrowd(): Promise<void> {
  await execute("cargo", BUILD, { cwd: ENGINE });
}

export class Crowd {
  /** Public keys of the clients, in the order in which they join. */
  readonly keys: readonly string[];
  readonly #tool: Tool;

  private constructor(tool: Tool, keys: readonly string[]) {
    this.#tool = tool;
    this.keys = keys;
  }

  /** Makes keys for `clients`, and the way between their addresses and the gateway. Nobody joins yet. */
  static async start(scope: Scope, ground: Ground, clients: number): Promise<Crowd> {
    const { client, gateway, clientOuter, folder } = ground;
    await client.ip(`route add local ${ADDRESSES} dev lo`);
    await gateway.ip(`route add ${ADDRESSES} via ${clientOuter}`);
    const file = join(folder, "keys");
    const tool = await Tool.startProgram(scope, client, "jvpn-crowd", PROGRAM, ["--clients", `${clients}`, "--keys", file]);
    return new Crowd(tool, readFileSync(file, "utf8").trim().split("\n"));
  }

  /** More clients join, until there are `clients`. Every one of them must. */
  async join(gateway: string, key: string, clients: number): Promise<Done> {
    const limitMs = 30_000 + JOIN_MS_MAX * clients;
    const done = await this.#ask({ op: "join", gateway, key, clients, perSecond: JOINS_PER_SECOND, limitMs }, limitMs);
    if (done.missing > 0) throw new Error(`${done.missing} of ${clients} clients did not come in: ${JSON.stringify(done)}`);
    return done;
  }

  /** Some clients, spread over all, send `packets` inner packets each. Returns how many left. */
  async talk(clients: number, packets: number): Promise<number> {
    const limitMs = 10_000 + (2_000 * clients * packets) / PACKETS_PER_SECOND;
    const order = { op: "talk", clients, packets, perSecond: PACKETS_PER_SECOND };
    const done = (await this.#tool.ask(order, limitMs + ANSWER_MS)) as unknown as Done;
    return done.datagrams;
  }

  /** Some clients, spread over all, ping a host behind the gateway, and hear from it. */
  async ping(to: string, clients: number): Promise<Done> {
    const limitMs = PING_MS_MAX + (2_000 * clients) / PINGS_PER_SECOND;
    return this.#ask({ op: "ping", to, clients, perSecond: PINGS_PER_SECOND, limitMs }, limitMs);
  }

  /** The path of every client dies, and each attaches itself from another address. */
  async jump(limitMs: number): Promise<Done> {
    // So many clients would have processors of their own: from here on they get what the gateway leaves.
    if (this.#tool.pid !== undefined) await yieldToAll(this.#tool.pid);
    return this.#ask({ op: "jump", limitMs }, limitMs);
  }

  async #ask(order: { readonly limitMs: number; readonly [field: string]: unknown }, limitMs: number): Promise<Done> {
    const answer = await this.#tool.ask({ ...order, limitMs: Math.ceil(limitMs) }, limitMs + ANSWER_MS);
    return answer as unknown as Done;
  }
}
