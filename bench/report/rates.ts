/** Sections on throughput, UDP and latency, compared with other products in the same run. */
import { OTHER_BUILD } from "#lab/contenders/wireguard-go";
import type { Interval } from "#lab/statistics";
import type { LatencyResult } from "../latency.ts";
import { ratios } from "../plot.ts";
import type { ThroughputResult } from "../throughput.ts";
import type { UdpResult } from "../udp.ts";
import type { Kept } from "./data.ts";
import { origin, table, withInterval } from "./markdown.ts";
import type { Page, Picture } from "./page.ts";

/** Texts for each benchmark of one TCP stream. `plot`: title of its plot. */
const STREAMS: Readonly<
  Record<ThroughputResult["name"], { readonly title: string; readonly says: string; readonly plot: string | null }>
> = {
  throughput: {
    title: "Throughput",
    says: "The sender is not limited.",
    plot: "TCP throughput: jumping-vpn against …",
  },
  cpu: {
    title: "Processor time at the same rate",
    says: "The sender has a fixed rate that every contender can carry. The machine's busy time is the cost.",
    plot: null,
  },
  null: {
    title: "Share of an engine without a cipher",
    says: "The same engine with a cipher that does nothing: the remaining time is the cost of everything else.\nDetails: [0016](decisions/0016-the-cipher-takes-a-third.md).",
    plot: null,
  },
  variants: {
    title: "Variants",
    says: "The product compared with itself: another cipher, another outer address family, no kernel offloads, and a jump each\nsecond under full load.",
    plot: "TCP throughput: jumping-vpn against its own variants",
  },
};

export function streamSection({ file, result }: Kept<ThroughputResult>): Page {
  const { title, says, plot } = STREAMS[result.name];
  const rows = Object.entries(result.gbps).map(([name, gbps]) => [
    name,
    withInterval(gbps, 2),
    ratioCell(result.ratio[name]),
    withInterval(result.cpuSecondsPerGB[name] ?? NONE, 2),
    ratioCell(result.cpuRatio[name]),
  ]);
  const { rounds, seconds, rateMbit } = result.options;
  const pace = rateMbit === null ? "" : ` at ${rateMbit} Mbit/s`;
  const picture = plot === null ? null : ratioPicture(file.replace(/json$/, "svg"), plot, result.ratio);
  return {
    text: [
      `## ${title}${otherBuild(result.gbps)}\n`,
      `${says}\nOne TCP stream${pace} over one veth pair, inner MTU of 1420 bytes, both ends and the traffic on one machine.\nThe figures are medians of ${rounds} interleaved rounds of ${seconds} s with bootstrap 95 % intervals.\nCPU is the busy time of the whole machine.\n`,
      table(["", "Gbit/s", "jumping-vpn is … times as fast", "CPU s per GB", "jumping-vpn takes … times the CPU"], rows),
      ...(picture === null ? [] : [`![Ratios](plots/${picture.file})\n`]),
      missingLine(result.missing),
      origin(result.machine, file),
    ].join("\n"),
    pictures: picture === null ? [] : [picture],
  };
}

export function udpSection({ file, result }: Kept<UdpResult>): Page {
  const rows = Object.entries(result.mbit).map(([name, mbit]) => [
    result.senderLimited.includes(name) ? `${name} (limited by the sender)` : name,
    withInterval(mbit, 0),
    ratioCell(result.ratio[name]),
  ]);
  return {
    text: [
      `## UDP without offloads inside${otherBuild(result.mbit)}\n`,
      "The highest rate of 1372-byte packets, each sent alone, with at most 1 % loss.\n",
      table(["", "Mbit/s", "jumping-vpn is … times as fast"], rows),
      missingLine(result.missing),
      origin(result.machine, file),
    ].join("\n"),
    pictures: [],
  };
}

export function latencySection({ file, result }: Kept<LatencyResult>): Page {
  const rows = Object.entries(result.p50Us).map(([name, p50]) => {
    const ratio = result.ratio[name];
    return [
      name,
      withInterval(p50, 0),
      withInterval(result.p99Us[name] ?? NONE, 0),
      ratioCell(ratio?.p50),
      ratioCell(ratio?.p99),
    ];
  });
  return {
    text: [
      `## Latency${otherBuild(result.p50Us)}\n`,
      "Round trip of single 64-byte UDP packets, 100 a second, without other traffic in the tunnel.\n",
      table(["", "p50, µs", "p99, µs", "jumping-vpn takes … times as long", "at p99"], rows),
      missingLine(result.missing),
      origin(result.machine, file),
    ].join("\n"),
    pictures: [],
  };
}

/** Part of the heading: each build of wireguard-go has its own section. */
function otherBuild(contenders: Readonly<Record<string, Interval>>): string {
  return OTHER_BUILD in contenders ? ", against another build of wireguard-go" : "";
}

const NONE: Interval = { median: Number.NaN, ci95: [Number.NaN, Number.NaN], n: 0 };

function ratioCell(ratio: Interval | undefined): string {
  return ratio === undefined ? "" : withInterval(ratio, 2);
}

function missingLine(missing: Readonly<Record<string, string>>): string {
  return Object.entries(missing)
    .map(([name, why]) => `${name} did not take part: ${why}.\n`)
    .join("");
}

function ratioPicture(file: string, title: string, ratio: Readonly<Record<string, Interval>>): Picture {
  const bars = Object.entries(ratio).map(([name, { median, ci95 }]) => ({ name, value: median, low: ci95[0], high: ci95[1] }));
  return { file, svg: ratios(title, "times as fast", bars, 1) };
}
