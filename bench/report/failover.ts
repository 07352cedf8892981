/** Section on fail-over, with the demands and whether they are met. */
import type { Distribution } from "#lab/statistics";
import type { FailoverResult } from "../failover/run.ts";
import type { Trial } from "../failover/trials.ts";
import { cdf } from "../plot.ts";
import type { Kept } from "./data.ts";
import { ms, origin, percentiles, table } from "./markdown.ts";
import type { Page, Picture } from "./page.ts";

const KINDS = {
  signalled: "link goes down, reported by the kernel",
  silent: "link drops all packets, both directions",
  silentOneWay: "link drops one direction (up and down in turn)",
} as const;

/** The demands of class realtime: p99 of the gap, ms, given the round trip. */
const DEMANDS: Readonly<Record<keyof typeof KINDS, { must: (rtt: number) => number; target: (rtt: number) => number }>> = {
  signalled: { must: (rtt) => rtt + 20, target: (rtt) => rtt + 5 },
  silent: { must: () => 150, target: (rtt) => rtt + 50 },
  silentOneWay: { must: () => 150, target: (rtt) => rtt + 50 },
};

export function failoverSection({ file, result }: Kept<FailoverResult>): Page {
  const { liveness, rttMs } = result.options;
  const picture = gapPicture(file.replace(/\.json$/, ".svg"), result);
  const text = [
    `### Class ${liveness}, RTT ${rttMs} ms\n`,
    gapTable(result),
    picture === null ? "" : `![Distribution of the gaps](plots/${picture.file})\n`,
    otherLines(result),
    origin(result.machine, file),
  ];
  return { text: text.filter((part) => part !== "").join("\n"), pictures: picture === null ? [] : [picture] };
}

function gapTable(result: FailoverResult): string {
  const rows = Object.entries(KINDS).flatMap(([name, what]) => {
    const kind = name as keyof typeof KINDS;
    const gaps = result[kind];
    if (gaps === null) return [];
    return [[what, ...percentiles(gaps, "not back"), `${gaps.repeated}, ${gaps.unsound}`, judged(kind, gaps, result)]];
  });
  const head = ["longest gap of a 1 kHz flow", "trials", "p50", "p90", "p99", "max", "repeated, late", "p99 against the demand"];
  return rows.length === 0 ? "" : table(head, rows);
}

function judged(kind: keyof typeof KINDS, { p99 }: Distribution, { options: { liveness, rttMs } }: FailoverResult): string {
  if (liveness !== "realtime" || rttMs > 20) return "none for this class and RTT";
  const [must, target] = [DEMANDS[kind].must(rttMs), DEMANDS[kind].target(rttMs)];
  if (p99 === null || p99 > must) return `must ${must} ms: missed`;
  return p99 > target ? `must ${must} ms: reached` : `target ${target} ms: reached`;
}

function otherLines(result: FailoverResult): string {
  const { planned, redundant, blackoutTcpResumeMs, falseJumps, notMeasured, options } = result;
  const lines: string[] = [];
  if (planned !== null)
    lines.push(
      `Planned jumps under load: ${planned.jumps}, packets lost: **${planned.lost}** (gap p99 ${ms(planned.gapMs.p99, "–")}).`,
    );
  if (redundant !== null) lines.push(`Redundant mode: ${redundant.trials} link failures, packets lost: **${redundant.lost}**.`);
  else if (notMeasured.redundant !== undefined && notMeasured.redundant !== "not asked for")
    lines.push(`Redundant mode is not measured: ${notMeasured.redundant}.`);
  for (const [seconds, { n, p50, max }] of Object.entries(blackoutTcpResumeMs ?? {})) {
    const limit = 1.5 * options.rttMs + 50;
    lines.push(
      `Blackout of ${seconds} s: inner TCP continues ${ms(p50, "not within 40 s")} after the return (median of ${n}, max ${ms(max, "not within 40 s")}; must ${limit} ms: ${max !== null && max <= limit ? "reached" : "missed"}).`,
    );
  }
  if (falseJumps !== null) {
    const { count, deaths, hours, upper95PerHour, loss } = falseJumps;
    lines.push(
      `${loss * 100} % random loss on both links, ${hours.toFixed(2)} h: ${count} false jumps, ${deaths} dead paths (95 % confidence: under ${upper95PerHour.toFixed(1)} jumps per hour).`,
    );
  }
  return lines.map((line) => `- ${line}\n`).join("");
}

function gapPicture(file: string, { raw, options }: FailoverResult): Picture | null {
  const gaps = raw.filter((trial): trial is Trial => "gapMs" in trial && trial.kind in KINDS);
  if (gaps.length === 0) return null;
  const curves = Object.keys(KINDS).map((kind) => ({
    name: kind,
    values: gaps.filter((trial) => trial.kind === kind).map(({ gapMs }) => gapMs),
  }));
  const title = `Fail-over, class ${options.liveness}, RTT ${options.rttMs} ms`;
  return {
    file,
    svg: cdf(
      title,
      "longest gap, ms",
      curves.filter(({ values }) => values.length > 0),
    ),
  };
}
