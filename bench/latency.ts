/** Round trips of single small packets, with no other traffic. Contenders are interleaved. */
import type { Contender } from "#lab/contenders/contender";
import { JUMPING_VPN } from "#lab/contenders/jumping-vpn";
import { OPENVPN } from "#lab/contenders/openvpn";
import { VETH } from "#lab/contenders/veth";
import { recordFile, WIREGUARD_GO } from "#lab/contenders/wireguard-go";
import { provenance } from "#lab/machine";
import type { Scope } from "#lab/scope";
import { elapse } from "#lab/stage";
import { type Interval, interval } from "#lab/statistics";
import { Tool } from "#lab/tool";
import { type Benchmark, inScope, type Progress, type Result } from "./benchmark.ts";
import { startAll } from "./ground.ts";
import { numberOf, wholeNumberOf } from "./options.ts";

const CONTENDERS: readonly Contender[] = [JUMPING_VPN, VETH, WIREGUARD_GO, OPENVPN];
const PORT = 7_300;
const PER_SECOND = 100;
const BYTES = 64;
/** Packets of this time are not counted: the first ones wake sleeping processes. */
const WARM_UP_MS = 500;

interface Slice {
  readonly round: number;
  readonly contender: string;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly echoes: number;
}

export interface LatencyResult extends Result {
  readonly name: "latency";
  readonly p50Us: Readonly<Record<string, Interval>>;
  readonly p99Us: Readonly<Record<string, Interval>>;
  /** Ratio of jumping-vpn to each other contender, by percentile. Below 1, jumping-vpn is faster. */
  readonly ratio: Readonly<Record<string, { readonly p50: Interval; readonly p99: Interval }>>;
  readonly missing: Readonly<Record<string, string>>;
  readonly raw: readonly Slice[];
}

export const LATENCY: Benchmark = {
  usage: "[--rounds 12] [--seconds 5]",
  options: ["rounds", "seconds"],
  plan(words) {
    const rounds = wholeNumberOf(words, "rounds", 12, 1, 100);
    const seconds = numberOf(words, "seconds", 5, 1, 60);
    return {
      file: recordFile("latency"),
      run: (progress) => inScope((scope) => latency(scope, rounds, seconds, progress), table),
    };
  },
};

async function latency(scope: Scope, rounds: number, seconds: number, progress: Progress): Promise<LatencyResult> {
  const { running, missing } = await startAll(scope, CONTENDERS, progress);
  for (const { ground } of running) await Tool.start(scope, ground.gateway, ["echo", "serve", "--bind", `0.0.0.0:${PORT}`]);
  const raw: Slice[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, address, ground } of round % 2 === 0 ? running : running.toReversed()) {
      const words = ["echo", "run", "--to", `${address}:${PORT}`, "--rate", `${PER_SECOND}`, "--size", `${BYTES}`];
      const echo = await Tool.start(scope, ground.client, words);
      await elapse(WARM_UP_MS);
      const { boot_us: fromUs } = (await echo.ask({ op: "report" })) as unknown as Echoes;
      await elapse(seconds * 1_000);
      const { delayUs, received } = (await echo.ask({ op: "report", fromUs })) as unknown as Echoes;
      await echo.stop();
      raw.push({ round, contender: name, p50Us: delayUs.p50, p99Us: delayUs.p99, echoes: received });
    }
    const said = raw.filter((slice) => slice.round === round).map(({ contender, p50Us }) => `${contender} ${p50Us}`);
    progress(`round ${round + 1}/${rounds}: ${said.join(", ")} µs`);
  }
  return { schema: "jumping-vpn/bench/v1", name: "latency", ...summary(raw), missing, machine: provenance(), raw };
}

interface Echoes {
  readonly boot_us: number;
  readonly received: number;
  readonly delayUs: { readonly p50: number; readonly p99: number };
}

function summary(raw: readonly Slice[]): Pick<LatencyResult, "p50Us" | "p99Us" | "ratio"> {
  const names = [...new Set(raw.map(({ contender }) => contender))].sort();
  const of = (name: string, value: "p50Us" | "p99Us"): number[] =>
    raw
      .filter(({ contender }) => contender === name)
      .sort((a, b) => a.round - b.round)
      .map((slice) => slice[value]);
  const each = (value: "p50Us" | "p99Us"): Record<string, Interval> =>
    Object.fromEntries(names.map((name) => [name, interval(of(name, value))]));
  const to = (name: string, value: "p50Us" | "p99Us"): Interval => {
    const own = of(JUMPING_VPN.name, value);
    return interval(of(name, value).map((theirs, index) => (own[index] ?? Number.NaN) / theirs));
  };
  const others = names.filter((name) => name !== JUMPING_VPN.name);
  const ratio = Object.fromEntries(others.map((name) => [name, { p50: to(name, "p50Us"), p99: to(name, "p99Us") }]));
  return { p50Us: each("p50Us"), p99Us: each("p99Us"), ratio };
}

function table({ p50Us, p99Us, ratio }: LatencyResult): string {
  return Object.entries(p50Us)
    .map(([name, { median }]) => {
      const to = ratio[name];
      const against =
        to === undefined ? "" : `   jumping-vpn takes ${to.p50.median.toFixed(2)}×, at p99 ${to.p99.median.toFixed(2)}×`;
      return `${name.padEnd(14)} p50 ${median.toFixed(0).padStart(5)} µs, p99 ${(p99Us[name]?.median ?? 0).toFixed(0).padStart(5)} µs${against}\n`;
    })
    .join("");
}
