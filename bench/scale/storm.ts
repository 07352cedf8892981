/**
 * All sessions of a gateway jump at once: the path of every client fails, and each client attaches from another
 * address. Engine, core and record all take part. The figure is each client's time without a path, counted from the
 * same start.
 */
import { provenance } from "#lab/machine";
import type { Scope } from "#lab/scope";
import { elapse } from "#lab/stage";
import { statesText } from "#sdk/index";
import { type Benchmark, inScope, type Progress, type Result } from "../benchmark.ts";
import { wholeNumberOf } from "../options.ts";
import type { Done } from "./crowd.ts";
import { buildCrowd } from "./crowd.ts";
import { GATEWAY_INNER, type Workers } from "./gateway.ts";
import type { Memory } from "./memory.ts";
import { CLIENTS_MAX, gather, workersOf } from "./scale.ts";
import { mainThreadNs, threadNs } from "./threads.ts";

/** Most storms in one run: the policy permits a client eight switches a minute. */
const STORMS_MAX = 4;
const STORM_MS_MAX = 60_000;
const PINGERS = 1_000;
/** Wait after a storm, until the record is written completely. */
const SETTLE_MS = 5_000;

interface Storm {
  readonly jump: Done;
  /** Most engine reports that waited for the core since the start. `reportsLost`: snapshots that were dropped. */
  readonly reportsWaitingMost: number;
  readonly reportsLost: number;
  /** Records of the storm. `recordsLost`: records that were lost, according to the record itself. */
  readonly records: number;
  readonly recordsLost: number;
  readonly memory: Memory;
  /** Processor time of the gateway until all clients were back, s: the core's thread, and the packet threads. */
  readonly cpuSeconds: { readonly core: number; readonly packets: number };
}

export interface StormResult extends Result {
  readonly name: "storm";
  readonly clients: number;
  /** Packet threads of the gateway. */
  readonly workers: number | null;
  readonly join: Done;
  readonly storms: readonly Storm[];
  /** After the last storm some clients, spread over all, ping the gateway once through their tunnels. */
  readonly ping: Done;
  /** Number of sessions in each state, as the gateway reports it before the pings. */
  readonly states: Readonly<Record<string, number>>;
}

export const STORM: Benchmark = {
  usage: "[--clients 100000] [--storms 2] [--workers N]",
  options: ["clients", "storms", "workers"],
  plan(words) {
    const clients = wholeNumberOf(words, "clients", 100_000, 100, CLIENTS_MAX);
    const storms = wholeNumberOf(words, "storms", 2, 1, STORMS_MAX);
    const workers = workersOf(words);
    return {
      file: "storm",
      run: (progress) => inScope((scope) => storm(scope, { clients, workers, count: storms }, progress), summarize),
    };
  },
};

async function storm(
  scope: Scope,
  { clients, workers, count }: { clients: number; workers: Workers; count: number },
  progress: Progress,
): Promise<StormResult> {
  await buildCrowd();
  const { ground, crowd, gateway } = await gather(scope, clients, workers, progress);
  const join = await crowd.join(`${ground.gatewayOuter}:4774`, gateway.publicKey, clients);
  progress(`${clients} sessions after ${(join.us / 1e6).toFixed(1)} s`);
  await elapse(SETTLE_MS);
  const storms: Storm[] = [];
  let { record } = await gateway.node.sdk.status();
  for (let number = 0; number < count; number++) {
    const before = cpuOf(gateway.node.pid);
    const jump = await crowd.jump(STORM_MS_MAX);
    const after = cpuOf(gateway.node.pid);
    if (jump.missing > 0) throw new Error(`${jump.missing} clients could not attach again: ${JSON.stringify(jump)}`);
    progress(`storm ${number + 1}: all are back after ${seconds(jump.us)}, median ${seconds(jump.tookUs.p50)}`);
    await elapse(SETTLE_MS);
    const memory = await gateway.memory();
    const status = await gateway.node.sdk.status();
    storms.push({
      jump,
      reportsWaitingMost: status.reports.waitingMost,
      reportsLost: status.reports.lost,
      records: status.record.lastSeq - record.lastSeq,
      recordsLost: status.record.lost - record.lost,
      memory,
      cpuSeconds: { core: after.core - before.core, packets: after.packets - before.packets },
    });
    record = status.record;
  }
  const { states } = (await gateway.node.sdk.status()).view;
  let ping = await crowd.ping(GATEWAY_INNER, Math.min(clients, PINGERS));
  // A datagram may be lost, so that one repetition is permitted.
  if (ping.missing > 0) ping = await crowd.ping(GATEWAY_INNER, Math.min(clients, PINGERS));
  if (ping.missing > 0) throw new Error(`${ping.missing} clients got no answer through their tunnels: ${JSON.stringify(ping)}`);
  return {
    schema: "jumping-vpn/bench/v1",
    name: "storm",
    clients,
    workers: gateway.workers,
    join,
    storms,
    ping,
    states,
    machine: provenance(),
    raw: [],
  };
}

function cpuOf(pid: number | undefined): Storm["cpuSeconds"] {
  if (pid === undefined) throw new Error("the gateway does not run");
  return { core: mainThreadNs(pid) / 1e9, packets: threadNs(pid, "jvpn-packets") / 1e9 };
}

function summarize({ storms, ping, clients, states }: StormResult): string {
  const rows = storms.map(
    ({ jump, reportsWaitingMost, records, recordsLost, cpuSeconds }) =>
      `${clients} sessions back after ${seconds(jump.us)}   p50 ${seconds(jump.tookUs.p50)}, p99 ${seconds(jump.tookUs.p99)}, max ${seconds(jump.tookUs.max)}   ` +
      `${(jump.datagrams / clients).toFixed(1)} datagrams each, ${jump.unanswered} attempts repeated   ` +
      `at most ${reportsWaitingMost} reports waited   ${records} records, ${recordsLost} lost   ` +
      `core ${cpuSeconds.core.toFixed(2)} s, packets ${cpuSeconds.packets.toFixed(2)} s of processor time\n`,
  );
  return `${rows.join("")}at the end: ${statesText(states)}; ${ping.datagrams} pinged the gateway inside, p99 ${seconds(ping.tookUs.p99)}\n`;
}

const seconds = (us: number): string => `${(us / 1e6).toFixed(2)} s`;
