/**
 * The cost of many sessions: memory per idle session, processor time per received packet, and the cost of the core
 * alone. Gateway and clients (`engine/crowd`) are real, and all limits apply, so that 100,000 clients join in about a
 * minute.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { provenance } from "#lab/machine";
import { ROOT } from "#lab/paths";
import type { Scope } from "#lab/scope";
import { elapse } from "#lab/stage";
import { type Benchmark, inScope, type Progress, type Result } from "../benchmark.ts";
import { layGround } from "../ground.ts";
import { type Words, wholeNumberOf } from "../options.ts";
import { buildCrowd, Crowd, type Done } from "./crowd.ts";
import { type Gateway, startCrowdedGateway, type Workers } from "./gateway.ts";
import type { Memory } from "./memory.ts";
import { threadNs } from "./threads.ts";

const execute = promisify(execFile);

const CORE = join(ROOT, "build", "sim", "crowd", "main.js");
export const CLIENTS_MAX = 131_072;
/** Clients that send while the cost of a packet is measured: the same number for every size of the crowd. */
const TALKERS = 1_000;
const PACKETS_EACH = 100;
/** Wait after joining, until confirmations, the record and the windows of idle sessions are done. */
const SETTLE_MS = 3_000;

interface Size {
  readonly sessions: number;
  readonly join: Done;
  readonly memory: Memory;
  /** Compared with the same gateway without a session. */
  readonly bytesPerSession: number;
  readonly heapBytesPerSession: number;
  /** Processor time of the packet thread for one received packet, including its delivery to the TUN device. */
  readonly nsPerPacket: number;
}

/** Cost of the core without engine and daemon, from `sim/crowd`. */
interface CoreCost {
  readonly sessions: number;
  readonly bytesPerSession: number;
  readonly joinsPerSecond: number;
  readonly jumpsPerSecond: number;
  readonly decisionsPerSecond: number;
}

export interface ScaleResult extends Result {
  readonly name: "scale";
  readonly clients: number;
  /** Packet threads of the gateway. */
  readonly workers: number | null;
  /** Time from the start of the program until all clients are read and operators get answers. */
  readonly startMs: number;
  /** Memory of a gateway that knows all clients, before the first one joins. */
  readonly empty: Memory;
  readonly sizes: readonly Size[];
  readonly core: readonly CoreCost[];
}

export const SCALE: Benchmark = {
  usage: "[--clients 100000] [--workers N]",
  options: ["clients", "workers"],
  plan(words) {
    const clients = wholeNumberOf(words, "clients", 100_000, 100, CLIENTS_MAX);
    const workers = workersOf(words);
    return { file: "scale", run: (progress) => inScope((scope) => scale(scope, clients, workers, progress), summarize) };
  },
};

async function scale(scope: Scope, clients: number, workers: Workers, progress: Progress): Promise<ScaleResult> {
  await buildCrowd();
  const sizes = [...new Set([clients / 100, clients / 10, clients].map(Math.ceil))];
  const core: CoreCost[] = [];
  for (const size of sizes) core.push(await costOfCore(size, progress));
  const { ground, crowd, gateway } = await gather(scope, clients, workers, progress);
  const empty = await gateway.memory();
  const grown: Size[] = [];
  for (const size of sizes) {
    const done = await crowd.join(`${ground.gatewayOuter}:4774`, gateway.publicKey, size);
    await elapse(SETTLE_MS);
    grown.push(await look(crowd, gateway, { size, empty, join: done }, progress));
  }
  return {
    schema: "jumping-vpn/bench/v1",
    name: "scale",
    clients,
    workers: gateway.workers,
    startMs: gateway.startMs,
    empty,
    sizes: grown,
    core,
    machine: provenance(),
    raw: [],
  };
}

/** Without the option the gateway chooses the number. */
export function workersOf(words: Words): Workers {
  return words.workers === undefined ? "auto" : wholeNumberOf(words, "workers", 1, 1, 16);
}

/** Starts a crowd and a gateway that knows its clients. */
export async function gather(scope: Scope, clients: number, workers: Workers, progress: Progress) {
  const ground = await layGround(scope, "scale", "ipv4");
  const crowd = await Crowd.start(scope, ground, clients);
  const gateway = await startCrowdedGateway(scope, ground.gateway, ground.folder, {
    address: `${ground.gatewayOuter}:4774`,
    keys: crowd.keys,
    workers,
  });
  progress(`a gateway knows ${clients} clients after ${(gateway.startMs / 1_000).toFixed(1)} s`);
  return { ground, crowd, gateway };
}

async function look(
  crowd: Crowd,
  gateway: Gateway,
  { size, empty, join }: { size: number; empty: Memory; join: Done },
  progress: Progress,
): Promise<Size> {
  const memory = await gateway.memory();
  const bytesPerSession = Math.round((memory.rss - empty.rss) / size);
  const heapBytesPerSession = Math.round((memory.heapUsed - empty.heapUsed) / size);
  const nsPerPacket = await costOfPacket(crowd, gateway, Math.min(size, TALKERS));
  progress(
    `${size} sessions after ${(join.us / 1e6).toFixed(1)} s: ${bytesPerSession} bytes each, ${heapBytesPerSession} of them JavaScript; ${nsPerPacket} ns per packet`,
  );
  return { sessions: size, join, memory, bytesPerSession, heapBytesPerSession, nsPerPacket };
}

async function costOfPacket(crowd: Crowd, gateway: Gateway, talkers: number): Promise<number> {
  const { pid } = gateway.node;
  if (pid === undefined) throw new Error("the gateway does not run");
  await crowd.talk(talkers, 1); // the first packet of an idle session starts its measurements, which would be counted
  const before = threadNs(pid, "jvpn-packets");
  const packets = await crowd.talk(talkers, PACKETS_EACH);
  return Math.round((threadNs(pid, "jvpn-packets") - before) / packets);
}

async function costOfCore(sessions: number, progress: Progress): Promise<CoreCost> {
  const { stdout } = await execute(process.execPath, ["--expose-gc", CORE, `${sessions}`]);
  const cost = JSON.parse(stdout) as CoreCost;
  progress(
    `core alone, ${sessions} sessions: ${cost.bytesPerSession} bytes each, ${cost.decisionsPerSecond} decisions per second`,
  );
  return cost;
}

function summarize({ sizes, core, startMs, clients }: ScaleResult): string {
  const rows = sizes.map(
    ({ sessions, bytesPerSession, heapBytesPerSession, nsPerPacket }) =>
      `${String(sessions).padStart(7)} sessions   ${bytesPerSession} bytes each in all, ${heapBytesPerSession} in JavaScript   ${nsPerPacket} ns per received packet\n`,
  );
  const alone = core.map(
    ({ sessions, bytesPerSession, decisionsPerSecond }) =>
      `${String(sessions).padStart(7)} sessions   core alone: ${bytesPerSession} bytes each, ${decisionsPerSecond} decisions per second\n`,
  );
  return [...rows, ...alone, `${clients} clients are read in ${(startMs / 1_000).toFixed(1)} s\n`].join("");
}
