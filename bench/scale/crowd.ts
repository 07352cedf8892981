/**
 * Many clients in one process (`engine/crowd`). They use the real protocol over real UDP, each with its own address.
 */
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
/** Addresses of all clients, before and after their jumps. They are local addresses in the clients' namespace. */
const ADDRESSES = "10.128.0.0/9";
/** A gateway opens at most 2,000 handshakes in a second. */
const JOINS_PER_SECOND = 1_900;
/** Packets that one packet thread can receive without loss. */
const PACKETS_PER_SECOND = 20_000;
/** Longest permitted time for each join, ms, so that a busy machine passes too. */
const JOIN_MS_MAX = 5;
const ANSWER_MS = 10_000;
const PING_MS_MAX = 10_000;
/** A ping wakes an idle session, and both ends begin to search the path MTU. A higher rate would lose packets. */
const PINGS_PER_SECOND = 500;

/** Result of a task of the crowd; times in µs. */
export interface Done {
  readonly attached: number;
  /** Clients that this task attached, or that got an answer. */
  readonly done: number;
  readonly missing: number;
  readonly us: number;
  readonly tookUs: { readonly p50: number; readonly p90: number; readonly p99: number; readonly max: number };
  /** Datagrams that clients sent until they were attached, or as pings. */
  readonly datagrams: number;
  /** Attempts that were repeated because there was no answer. */
  readonly unanswered: number;
  readonly denied: number;
  /** Datagrams that the kernel refused to send. */
  readonly unsent: number;
  /** Sessions that the gateway ended. */
  readonly ended: number;
}

export async function buildCrowd(): Promise<void> {
  await execute("cargo", BUILD, { cwd: ENGINE });
}

export class Crowd {
  /** Public keys of the clients, in joining order. */
  readonly keys: readonly string[];
  readonly #tool: Tool;

  private constructor(tool: Tool, keys: readonly string[]) {
    this.#tool = tool;
    this.keys = keys;
  }

  /** Makes keys for `clients` and routes between their addresses and the gateway. No client joins yet. */
  static async start(scope: Scope, ground: Ground, clients: number): Promise<Crowd> {
    const { client, gateway, clientOuter, folder } = ground;
    await client.ip(`route add local ${ADDRESSES} dev lo`);
    await gateway.ip(`route add ${ADDRESSES} via ${clientOuter}`);
    const file = join(folder, "keys");
    const tool = await Tool.startProgram(scope, client, "jvpn-crowd", PROGRAM, ["--clients", `${clients}`, "--keys", file]);
    return new Crowd(tool, readFileSync(file, "utf8").trim().split("\n"));
  }

  /** Lets clients join until there are `clients`. Throws if one of them fails. */
  async join(gateway: string, key: string, clients: number): Promise<Done> {
    const limitMs = 30_000 + JOIN_MS_MAX * clients;
    const done = await this.tryToJoin(gateway, key, { clients, perSecond: JOINS_PER_SECOND, limitMs });
    if (done.missing > 0) throw new Error(`${done.missing} of ${clients} clients could not join: ${JSON.stringify(done)}`);
    return done;
  }

  /** The same at a given rate and within a given time; some clients may be missing. */
  async tryToJoin(
    gateway: string,
    key: string,
    how: { readonly clients: number; readonly perSecond: number; readonly limitMs: number },
  ): Promise<Done> {
    return this.#ask({ op: "join", gateway, key, ...how }, how.limitMs);
  }

  /** Some clients, spread over all, send `packets` inner packets each. Returns the number of packets sent. */
  async talk(clients: number, packets: number): Promise<number> {
    const limitMs = 10_000 + (2_000 * clients * packets) / PACKETS_PER_SECOND;
    const order = { op: "talk", clients, packets, perSecond: PACKETS_PER_SECOND };
    const done = (await this.#tool.ask(order, limitMs + ANSWER_MS)) as unknown as Done;
    return done.datagrams;
  }

  /** Some clients, spread over all, ping a host behind the gateway and wait for the answers. */
  async ping(to: string, clients: number): Promise<Done> {
    const limitMs = PING_MS_MAX + (2_000 * clients) / PINGS_PER_SECOND;
    return this.#ask({ op: "ping", to, clients, perSecond: PINGS_PER_SECOND, limitMs }, limitMs);
  }

  /** The path of every client fails, and each client attaches from another address. */
  async jump(limitMs: number): Promise<Done> {
    // Real clients have their own processors. These get only the processor time that the gateway leaves.
    if (this.#tool.pid !== undefined) await yieldToAll(this.#tool.pid);
    return this.#ask({ op: "jump", limitMs }, limitMs);
  }

  async #ask(order: { readonly limitMs: number; readonly [field: string]: unknown }, limitMs: number): Promise<Done> {
    const answer = await this.#tool.ask({ ...order, limitMs: Math.ceil(limitMs) }, limitMs + ANSWER_MS);
    return answer as unknown as Done;
  }
}
