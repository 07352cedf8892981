/**
 * The highest rate of 1372-byte UDP packets, each sent alone, with at most 1 % loss. The rate is doubled until the loss
 * is too high, then bisected. Contenders are interleaved. The search also ends if the sender cannot reach the rate.
 */
import type { Contender, Ground } from "#lab/contenders/contender";
import { JUMPING_VPN } from "#lab/contenders/jumping-vpn";
import { OPENVPN } from "#lab/contenders/openvpn";
import { VETH } from "#lab/contenders/veth";
import { recordFile, WIREGUARD_GO } from "#lab/contenders/wireguard-go";
import { provenance } from "#lab/machine";
import type { Scope } from "#lab/scope";
import { type Interval, interval } from "#lab/statistics";
import { Tool } from "#lab/tool";
import { type Benchmark, inScope, type Progress, type Result } from "./benchmark.ts";
import { startAll } from "./ground.ts";
import { numberOf, wholeNumberOf } from "./options.ts";

const CONTENDERS: readonly Contender[] = [JUMPING_VPN, VETH, WIREGUARD_GO, OPENVPN];
const PORT = 7_400;
const BYTES = 1_372;
const LOSS_MAX = 0.01;
/** First rate of the search and highest rate of the sender, packets per second. */
const FIRST_RATE = 5_000;
const RATE_MAX = 100_000;
/** Bisections after the first rate that was too high. The error is at most 1/16 of the interval. */
const BISECTIONS = 4;
/** If the sender sends less than this share of the requested rate, the sender is the bottleneck. */
const PACE_MIN = 0.97;

interface Step {
  readonly round: number;
  readonly contender: string;
  readonly rate: number;
  readonly mbit: number;
  readonly loss: number;
  readonly senderLimited: boolean;
}

export interface UdpResult extends Result {
  readonly name: "udp";
  /** Highest rate within the loss limit: payload, Mbit/s. */
  readonly mbit: Readonly<Record<string, Interval>>;
  /** Ratio of jumping-vpn to each other contender. */
  readonly ratio: Readonly<Record<string, Interval>>;
  /** Contenders whose result was limited by the sender. */
  readonly senderLimited: readonly string[];
  readonly missing: Readonly<Record<string, string>>;
  readonly raw: readonly Step[];
}

export const UDP: Benchmark = {
  usage: "[--rounds 6] [--seconds 1.5]",
  options: ["rounds", "seconds"],
  plan(words) {
    const rounds = wholeNumberOf(words, "rounds", 6, 1, 100);
    const seconds = numberOf(words, "seconds", 1.5, 0.5, 30);
    return { file: recordFile("udp"), run: (progress) => inScope((scope) => udp(scope, rounds, seconds, progress), table) };
  },
};

async function udp(scope: Scope, rounds: number, seconds: number, progress: Progress): Promise<UdpResult> {
  const { running, missing } = await startAll(scope, CONTENDERS, progress);
  const raw: Step[] = [];
  const best: { round: number; contender: string; mbit: number }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, address, ground } of round % 2 === 0 ? running : running.toReversed()) {
      const steps = await search((rate) => step(scope, ground, address, rate, seconds));
      raw.push(...steps.map((one) => ({ round, contender: name, ...one })));
      const mbit = Math.max(0, ...steps.filter(({ loss }) => loss <= LOSS_MAX).map((one) => one.mbit));
      best.push({ round, contender: name, mbit });
      progress(`round ${round + 1}/${rounds}: ${name} ${mbit.toFixed(0)} Mbit/s`);
    }
  }
  const names = [...new Set(best.map(({ contender }) => contender))].sort();
  const of = (name: string): number[] =>
    best
      .filter(({ contender }) => contender === name)
      .sort((a, b) => a.round - b.round)
      .map(({ mbit }) => mbit);
  const own = of(JUMPING_VPN.name);
  const to = (name: string): Interval => interval(of(name).map((theirs, index) => (own[index] ?? Number.NaN) / theirs));
  return {
    schema: "jumping-vpn/bench/v1",
    name: "udp",
    mbit: Object.fromEntries(names.map((name) => [name, interval(of(name))])),
    ratio: Object.fromEntries(names.filter((name) => name !== JUMPING_VPN.name).map((name) => [name, to(name)])),
    senderLimited: names.filter((name) => raw.some((one) => one.contender === name && one.senderLimited && one.loss <= LOSS_MAX)),
    missing,
    machine: provenance(),
    raw,
  };
}

type Measured = Omit<Step, "round" | "contender">;

/** The steps of one search, in their order. */
async function search(measure: (rate: number) => Promise<Measured>): Promise<readonly Measured[]> {
  const steps: Measured[] = [];
  const holds = async (rate: number): Promise<boolean> => {
    const measured = await measure(rate);
    steps.push(measured);
    return measured.loss <= LOSS_MAX && !measured.senderLimited;
  };
  let low = 0;
  let high = FIRST_RATE;
  while (await holds(high)) {
    if (high === RATE_MAX) return steps;
    low = high;
    high = Math.min(RATE_MAX, high * 2);
  }
  for (let bisection = 0; bisection < BISECTIONS; bisection += 1) {
    const middle = Math.round((low + high) / 2);
    if (await holds(middle)) low = middle;
    else high = middle;
  }
  return steps;
}

async function step(scope: Scope, ground: Ground, address: string, rate: number, seconds: number): Promise<Measured> {
  const at = `${address}:${PORT}`;
  const receiver = await Tool.start(scope, ground.gateway, ["flow", "recv", "--bind", at]);
  const words = ["flow", "send", "--to", at, "--rate", `${rate}`, "--seconds", `${seconds}`, "--size", `${BYTES}`];
  const sender = await Tool.start(scope, ground.client, words, false);
  const sent = (await sender.next(seconds * 4_000 + 10_000)) as { packets: number; firstUs: number; lastUs: number };
  const { received, lost } = (await receiver.ask({ op: "report" })) as { received: number; lost: number };
  await sender.stop();
  await receiver.stop();
  const tookSeconds = Math.max(1, sent.lastUs - sent.firstUs) / 1e6;
  return {
    rate,
    mbit: (received * BYTES * 8) / tookSeconds / 1e6,
    loss: received + lost === 0 ? 1 : lost / (received + lost),
    senderLimited: sent.packets / tookSeconds < rate * PACE_MIN,
  };
}

function table({ mbit, ratio, senderLimited }: UdpResult): string {
  return Object.entries(mbit)
    .map(([name, { median }]) => {
      const to = ratio[name];
      const limit = senderLimited.includes(name) ? " (limited by the sender)" : "";
      return `${name.padEnd(14)} ${median.toFixed(0).padStart(6)} Mbit/s${limit}${to === undefined ? "" : `   jumping-vpn is ${to.median.toFixed(2)}×`}\n`;
    })
    .join("");
}
