/** `npm run bench -- report`: docs/performance.md, docs/comparison.md and their pictures, from the raw data that is kept. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CompareResult } from "#lab/compare/run";
import { ROOT } from "#lab/paths";
import type { FailoverResult } from "../failover/run.ts";
import type { LatencyResult } from "../latency.ts";
import type { ScaleResult } from "../scale/scale.ts";
import type { StormResult } from "../scale/storm.ts";
import type { ThroughputResult } from "../throughput.ts";
import type { UdpResult } from "../udp.ts";
import { comparisonSection } from "./comparison.ts";
import { kept } from "./data.ts";
import { failoverSection } from "./failover.ts";
import type { Page } from "./page.ts";
import { latencySection, streamSection, udpSection } from "./rates.ts";
import { scaleSection, stormSection } from "./scale.ts";

const MARK = "<!-- Generated from bench/data by `npm run bench -- report`. -->\n";

const PERFORMANCE = `# Performance

Figures of this product, measured by its own benchmarks on real packets between network namespaces. Repeat them with
\`npm run bench\`; \`--record\` keeps the raw data, which this page is made of. A shared machine is noisy: trials in which the
instruments were late are repeated and counted, rounds in which the host took time away are dropped.
`;

const FAILOVER = `## Fail-over

A fresh session for each trial, two emulated links, a 1 kHz UDP flow in each direction through the tunnel. The figure is the longest
time between two packets in the worse direction, whatever the path delay.
`;

const COMPARISON = `# Comparison

The same fault, at the same moment, over the same two links for everybody: \`npm run lab -- compare\`. Each subject is new in each
trial and carries 200 bytes there and back each 5 ms, over UDP and over TCP. WireGuard and OpenVPN are on one link at a time and
follow the default route, which moves when a link goes down; they are set up as their manuals say, without a watchdog of somebody
else. Multipath TCP is no tunnel: it carries the TCP flow itself, with a second subflow that stands by.
`;

/** Writes the documents; returns their names. */
export function writeReport(): readonly string[] {
  const failovers = kept<FailoverResult>("failover-").map(failoverSection);
  const performance = [
    { text: PERFORMANCE, pictures: [] },
    ...(failovers.length === 0 ? [] : [{ text: FAILOVER, pictures: [] }]),
    ...failovers,
    ...["throughput", "cpu", "null", "variants"].flatMap((name) => kept<ThroughputResult>(name).map(streamSection)),
    ...kept<UdpResult>("udp").map(udpSection),
    ...kept<LatencyResult>("latency").map(latencySection),
    ...kept<ScaleResult>("scale").map(scaleSection),
    ...kept<StormResult>("storm").map(stormSection),
  ];
  const comparison = [{ text: COMPARISON, pictures: [] }, ...kept<CompareResult>("compare-").map(comparisonSection)];
  const plots = join(ROOT, "docs", "plots");
  mkdirSync(plots, { recursive: true });
  for (const old of readdirSync(plots)) rmSync(join(plots, old));
  return [write("performance.md", performance, plots), write("comparison.md", comparison, plots)];
}

function write(name: string, pages: readonly Page[], plots: string): string {
  for (const { file, svg } of pages.flatMap(({ pictures }) => pictures)) writeFileSync(join(plots, file), svg);
  const file = join(ROOT, "docs", name);
  writeFileSync(file, `${MARK}\n${pages.map(({ text }) => text).join("\n")}`);
  return file;
}
