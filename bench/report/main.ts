/**
 * `npm run bench -- report`: writes docs/performance.md, docs/comparison.md and their plots from the stored raw data.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CompareResult } from "#lab/compare/run";
import { ROOT } from "#lab/paths";
import type { FailoverResult } from "../failover/run.ts";
import type { FloodResult } from "../flood.ts";
import type { LatencyResult } from "../latency.ts";
import type { ScaleResult } from "../scale/scale.ts";
import type { StormResult } from "../scale/storm.ts";
import type { ThroughputResult } from "../throughput.ts";
import type { UdpResult } from "../udp.ts";
import { comparisonSection } from "./comparison.ts";
import { kept } from "./data.ts";
import { failoverSection } from "./failover.ts";
import { floodSection } from "./flood.ts";
import type { Page } from "./page.ts";
import { latencySection, streamSection, udpSection } from "./rates.ts";
import { scaleSection, stormSection } from "./scale.ts";

const MARK = "<!-- Generated from bench/data by `npm run bench -- report`. -->\n";

const PERFORMANCE = `# Performance

The product's own benchmarks measured these figures with real packets between network namespaces. Repeat them with
\`npm run bench\`. With \`--record\` the raw data is stored, from which this page is generated. A shared machine is noisy.
Trials in which the instruments were late are repeated and counted. Rounds in which the host took time away are
dropped.
`;

const FAILOVER = `## Fail-over

Each trial has a new session, two emulated links, and a 1 kHz UDP flow in each direction through the tunnel. The
figure is the longest time between two packets in the worse direction. No path delay is subtracted.
`;

const COMPARISON = `# Comparison

All subjects get the same fault at the same moment over the same two links: \`npm run lab -- compare\`. Each subject
starts anew in each trial and carries an echo flow, 200 bytes every 5 ms, over UDP and over TCP. WireGuard and OpenVPN
use one link at a time and follow the default route, which moves when a link goes down. They are set up as their
manuals say, without an additional watchdog. Multipath TCP is not a tunnel: it carries the TCP flow itself, with a
second subflow as backup.
`;

/** Writes the documents. Returns their paths. */
export function writeReport(): readonly string[] {
  const failovers = kept<FailoverResult>("failover-").map(failoverSection);
  const floods = kept<FloodResult>("flood-");
  const performance = [
    { text: PERFORMANCE, pictures: [] },
    ...(failovers.length === 0 ? [] : [{ text: FAILOVER, pictures: [] }]),
    ...failovers,
    ...["throughput", "cpu", "null", "variants"].flatMap((name) => kept<ThroughputResult>(name).map(streamSection)),
    ...kept<UdpResult>("udp").map(udpSection),
    ...kept<LatencyResult>("latency").map(latencySection),
    ...kept<ScaleResult>("scale").map(scaleSection),
    ...kept<StormResult>("storm").map(stormSection),
    ...(floods.length === 0 ? [] : [floodSection(floods)]),
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
