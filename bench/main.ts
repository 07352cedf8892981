/**
 * `npm run bench -- <benchmark> [options] [--json] [--record] [--out FILE]`, and `npm run bench -- report`. Progress
 * goes to stderr, the result to stdout, the raw data to a file under `build/bench`. With `--record` the file is under
 * `bench/data`, where `report` reads it.
 */
import { join } from "node:path";
import { ROOT } from "#lab/paths";
import { keep } from "#lab/raw-data";
import type { Benchmark } from "./benchmark.ts";
import { FAILOVER } from "./failover/command.ts";
import { FLOOD_BENCHMARK } from "./flood.ts";
import { LATENCY } from "./latency.ts";
import { parseWords, UsageError } from "./options.ts";
import { PACKETS } from "./packets.ts";
import { DATA } from "./report/data.ts";
import { writeReport } from "./report/main.ts";
import { SCALE } from "./scale/scale.ts";
import { STORM } from "./scale/storm.ts";
import { CPU, NULL, THROUGHPUT, VARIANTS_OF_ITS_OWN } from "./throughput-command.ts";
import { UDP } from "./udp.ts";

const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  throughput: THROUGHPUT,
  cpu: CPU,
  null: NULL,
  variants: VARIANTS_OF_ITS_OWN,
  failover: FAILOVER,
  latency: LATENCY,
  packets: PACKETS,
  udp: UDP,
  scale: SCALE,
  storm: STORM,
  flood: FLOOD_BENCHMARK,
};

async function main(): Promise<number> {
  const [verb = "(none)", ...args] = process.argv.slice(2);
  try {
    if (verb === "report" && args.length === 0) return report();
    const benchmark = BENCHMARKS[verb];
    if (benchmark === undefined) throw new UsageError(`unknown benchmark: ${verb}`);
    return await run(benchmark, args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return usage(error.message);
  }
}

async function run(benchmark: Benchmark, args: readonly string[]): Promise<number> {
  const words = parseWords(args, benchmark.options);
  const plan = benchmark.plan(words);
  const { result, summary, leftovers, failed } = await plan.run((line) => process.stderr.write(`▸ ${line}\n`));
  for (const leftover of leftovers) process.stderr.write(`left behind: ${leftover}\n`);
  const folder = words.record === true ? DATA : join(ROOT, "build", "bench");
  const file = typeof words.out === "string" ? words.out : join(folder, `${plan.file}.json`);
  keep(result, file);
  process.stderr.write(`▸ raw data: ${file}\n`);
  process.stdout.write(words.json === true ? `${JSON.stringify({ ...result, raw: undefined })}\n` : summary);
  return leftovers.length === 0 && failed !== true ? 0 : 1;
}

function report(): number {
  for (const file of writeReport()) process.stdout.write(`${file}\n`);
  return 0;
}

function usage(what: string): number {
  const known = Object.entries(BENCHMARKS).map(([name, benchmark]) => `npm run bench -- ${name} ${benchmark.usage}`);
  const lines = [...known, "npm run bench -- report"].map((line, index) => `${index === 0 ? "  do:  " : "       "}${line}\n`);
  process.stderr.write(
    `${what}\n  why: each benchmark knows its own options, and --json, --record, --out FILE\n${lines.join("")}`,
  );
  return 2;
}

process.exitCode = await main();
