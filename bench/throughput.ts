/**
 * Inner TCP throughput of one path. All contenders are interleaved in one run: in each round every contender carries
 * traffic for one slice. The order is reversed from round to round. A round with too much stolen time is dropped and
 * repeated.
 */

import type { Contender } from "#lab/contenders/contender";
import { JUMPING_VPN } from "#lab/contenders/jumping-vpn";
import { provenance, ticks } from "#lab/machine";
import type { Scope } from "#lab/scope";
import { elapse } from "#lab/stage";
import { type Interval, interval } from "#lab/statistics";
import { Tool } from "#lab/tool";
import type { Progress, Result } from "./benchmark.ts";
import { type Runner, startAll } from "./ground.ts";

const PORT = 7_200;
/** More than any slice can carry; the transfer is stopped at the slice's end. */
const ENDLESS_BYTES = 1e12;
const TICKS_PER_SECOND = 100;
/** A round is dropped if the host took away more than this share of processor time. */
const STEAL_MAX = 0.02;
/** Limit of dropped rounds, as a multiple of the requested rounds. */
const RETRIES = 2;

interface ThroughputOptions {
  readonly rounds: number;
  readonly seconds: number;
  /** Start of each slice that is not counted. */
  readonly warmUpSeconds: number;
  /** Rate of the sender; `null` = unlimited. */
  readonly rateMbit: number | null;
}

interface Slice {
  readonly round: number;
  readonly contender: string;
  readonly gbps: number;
  /** Busy seconds of the whole machine per gigabyte. */
  readonly cpuSecondsPerGB: number;
  readonly steal: number;
}

export interface ThroughputResult extends Result {
  readonly name: "throughput" | "cpu" | "null" | "variants";
  readonly gbps: Readonly<Record<string, Interval>>;
  /** Ratio of jumping-vpn's throughput to each other contender's. */
  readonly ratio: Readonly<Record<string, Interval>>;
  readonly cpuSecondsPerGB: Readonly<Record<string, Interval>>;
  /** The same ratio for `cpuSecondsPerGB`. Below 1, jumping-vpn costs less. */
  readonly cpuRatio: Readonly<Record<string, Interval>>;
  readonly missing: Readonly<Record<string, string>>;
  readonly options: ThroughputOptions;
  readonly droppedRounds: number;
  readonly raw: readonly Slice[];
}

/** `contenders` must contain jumping-vpn, because the others are compared with it. */
export async function throughput(
  scope: Scope,
  name: ThroughputResult["name"],
  contenders: readonly Contender[],
  options: ThroughputOptions,
  progress: Progress,
): Promise<ThroughputResult> {
  const { running, missing } = await startAll(scope, contenders, progress);
  for (const { ground } of running) await Tool.start(scope, ground.gateway, ["tcp", "serve", "--bind", `0.0.0.0:${PORT}`]);
  const raw: Slice[] = [];
  let dropped = 0;
  for (let round = 0; round < options.rounds; ) {
    const order = round % 2 === 0 ? running : running.toReversed();
    const slices: Slice[] = [];
    for (const runner of order) slices.push(await slice(scope, round, runner, options));
    const stolen = Math.max(...slices.map(({ steal }) => steal));
    progress(
      `round ${round + 1}/${options.rounds}: ${slices.map(({ contender, gbps }) => `${contender} ${gbps.toFixed(2)}`).join(", ")} Gbit/s`,
    );
    if (stolen > STEAL_MAX && dropped < options.rounds * RETRIES) {
      dropped += 1;
      progress(`  dropped: ${(stolen * 100).toFixed(1)} % of the time was stolen by the host`);
      continue;
    }
    raw.push(...slices);
    round += 1;
  }
  return {
    schema: "jumping-vpn/bench/v1",
    name,
    ...summary(raw),
    missing,
    options,
    droppedRounds: dropped,
    machine: provenance(),
    raw,
  };
}

/** One contender carries one TCP stream, from the gateway to the client, for one slice. */
async function slice(
  scope: Scope,
  round: number,
  { name: contender, address, ground, disturb }: Runner,
  options: ThroughputOptions,
): Promise<Slice> {
  const pace = options.rateMbit === null ? [] : ["--rate-mbit", `${options.rateMbit}`];
  const words = ["tcp", "fetch", "--to", `${address}:${PORT}`, "--bytes", `${ENDLESS_BYTES}`, "--hash", "off", ...pace];
  const sink = await Tool.start(scope, ground.client, words, false);
  const calm = disturb?.();
  await elapse(options.warmUpSeconds * 1_000);
  const [from, before] = [await progress(sink), ticks()];
  await elapse((options.seconds - options.warmUpSeconds) * 1_000);
  const [to, after] = [await progress(sink), ticks()];
  await calm?.();
  await sink.stop();
  const bytes = to.bytes - from.bytes;
  const all = after.all - before.all;
  return {
    round,
    contender,
    gbps: (bytes * 8_000) / (to.boot_us - from.boot_us) / 1e6,
    cpuSecondsPerGB: (after.busy - before.busy) / TICKS_PER_SECOND / (bytes / 1e9),
    steal: all === 0 ? 0 : (after.steal - before.steal) / all,
  };
}

async function progress(sink: Tool): Promise<{ bytes: number; boot_us: number }> {
  return (await sink.ask({ op: "progress" })) as unknown as { bytes: number; boot_us: number };
}

function summary(raw: readonly Slice[]): Pick<ThroughputResult, "gbps" | "ratio" | "cpuSecondsPerGB" | "cpuRatio"> {
  const names = [...new Set(raw.map(({ contender }) => contender))].sort();
  const of = (name: string): readonly Slice[] =>
    raw.filter(({ contender }) => contender === name).sort((a, b) => a.round - b.round);
  const own = of(JUMPING_VPN.name);
  const each = (value: (name: string) => readonly number[]): Record<string, Interval> =>
    Object.fromEntries(names.map((name) => [name, interval(value(name))]));
  const others = names.filter((name) => name !== JUMPING_VPN.name);
  const against = (value: (slice: Slice) => number): Record<string, Interval> =>
    Object.fromEntries(
      others.map((name) => [name, interval(of(name).map((theirs, index) => value(own[index] ?? theirs) / value(theirs)))]),
    );
  return {
    gbps: each((name) => of(name).map(({ gbps }) => gbps)),
    ratio: against(({ gbps }) => gbps),
    cpuSecondsPerGB: each((name) => of(name).map(({ cpuSecondsPerGB }) => cpuSecondsPerGB)),
    cpuRatio: against(({ cpuSecondsPerGB }) => cpuSecondsPerGB),
  };
}
