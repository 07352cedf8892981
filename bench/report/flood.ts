/** The section on floods of handshakes: one row for each stored flood. */
import type { Interval } from "#lab/statistics";
import type { FloodResult } from "../flood.ts";
import type { Kept } from "./data.ts";
import { origin, table } from "./markdown.ts";
import type { Page } from "./page.ts";

const HEAD = [
  "INITs each second",
  "mac2",
  "UDP at 50 Mbit/s: lost",
  "ping p99",
  "new clients within 5 s",
  "the same beside TCP",
  "TCP from the gateway",
  "TCP to it",
  "sessions that ended",
];

export function floodSection(floods: readonly Kept<FloodResult>[]): Page {
  const rows = floods.map(({ result }) => [
    `${Math.round(result.perSecond.median / 1_000)},000`,
    result.options.mac2,
    percent(result.udpLoss, 2),
    `${result.pingP99Ms.median.toFixed(1)} ms`,
    percent(result.joined, 1),
    percent(result.joinedBesideTcp, 1),
    share(result.downRatio),
    share(result.upRatio),
    `${Object.values(result.ended).reduce((sum, count) => sum + count, result.kept ? 0 : 1)}`,
  ]);
  return {
    text: [
      "## Flood of handshakes\n",
      "INITs with a right mac1 come from invented addresses, as anybody can send them who knows the gateway's address and\npublic key. The gateway has one processor; the flood, the client and 20 honest new clients a second share the other.\nTCP is given as a share of what it reaches under the same flood to a port of the gateway at which nobody listens, with\nits 95 % interval.\n",
      table(HEAD, rows),
      ...floods.map(({ result, file }) => origin(result.machine, file)),
    ].join("\n"),
    pictures: [],
  };
}

function percent({ median }: Interval, digits: number): string {
  return `${(median * 100).toFixed(digits)} %`;
}

function share({ median, ci95: [low, high] }: Interval): string {
  return `${median.toFixed(2)} (${low.toFixed(2)} … ${high.toFixed(2)})`;
}
