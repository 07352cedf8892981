import type { Distribution } from "#lab/statistics";
import type { Benchmark } from "../benchmark.ts";
import { numberOf, oneOf, someOf, wholeNumberOf } from "../options.ts";
import { LIVENESS } from "./field.ts";
import { type FailoverResult, failover, KINDS } from "./run.ts";

export const FAILOVER: Benchmark = {
  usage: "[--trials 30] [--rtt 20] [--class realtime] [--kinds a,b] [--blackouts 3] [--false-seconds 120] [--at-once 1]",
  options: ["trials", "rtt", "class", "kinds", "blackouts", "false-seconds", "at-once"],
  plan(words) {
    const options = {
      trials: wholeNumberOf(words, "trials", 30, 1, 5_000),
      rttMs: numberOf(words, "rtt", 20, 0, 1_000),
      liveness: oneOf(words, "class", "realtime", LIVENESS),
      kinds: someOf(words, "kinds", KINDS),
      blackouts: wholeNumberOf(words, "blackouts", 3, 1, 100),
      falseSeconds: numberOf(words, "false-seconds", 120, 10, 36_000),
      atOnce: wholeNumberOf(words, "at-once", 1, 1, KINDS.length),
    };
    return {
      file: `failover-${options.liveness}-${options.rttMs}ms`,
      async run(progress) {
        const { result, leftovers } = await failover(options, progress);
        return { result, summary: table(result), leftovers };
      },
    };
  },
};

function table(result: FailoverResult): string {
  const lines: string[] = [];
  for (const kind of ["signalled", "silent", "silentOneWay"] as const) {
    const gaps = result[kind];
    if (gaps !== null) lines.push(`${kind.padEnd(14)} ${inWords(gaps)}, ${gaps.repeated} repeated`);
  }
  if (result.planned !== null) lines.push(`planned        ${result.planned.jumps} jumps, ${result.planned.lost} packets lost`);
  if (result.redundant !== null)
    lines.push(`redundant      ${result.redundant.trials} deaths, ${result.redundant.lost} packets lost`);
  for (const [seconds, resumed] of Object.entries(result.blackoutTcpResumeMs ?? {})) {
    lines.push(`blackout ${seconds.padStart(2)} s  TCP continues after ${inWords(resumed)}`);
  }
  if (result.falseJumps !== null) {
    const { count, hours, upper95PerHour } = result.falseJumps;
    lines.push(`false jumps    ${count} in ${hours.toFixed(2)} h, fewer than ${upper95PerHour.toFixed(1)} per hour (95 %)`);
  }
  for (const [kind, why] of Object.entries(result.notMeasured)) lines.push(`${kind.padEnd(14)} not measured: ${why}`);
  return `${lines.join("\n")}\n`;
}

function inWords({ n, p50, p90, p99, max }: Distribution): string {
  const ms = (value: number | null): string => (value === null ? "endless" : `${value.toFixed(1)} ms`);
  return `p50 ${ms(p50)}, p90 ${ms(p90)}, p99 ${ms(p99)}, max ${ms(max)} of ${n}`;
}
