/**
 * Instructions per packet on the packet path in memory (split, seal, open, coalesce; without the cipher), counted by
 * callgrind. The difference of two runs of different length excludes the fixed costs. A figure that exceeds the stored
 * one by more than the tolerance is a regression and sets the exit code.
 */
import { execFile, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { provenance } from "#lab/machine";
import { ROOT } from "#lab/paths";
import type { Benchmark, Outcome, Progress, Result } from "./benchmark.ts";
import { oneOf } from "./options.ts";

const execute = promisify(execFile);

const ENGINE = join(ROOT, "engine");
const BASELINE = join(ROOT, "bench", "packets-baseline.json");
const BUILD = ["build", "--release", "--locked", "-q", "-p", "jvpn-io", "--example", "packets", "--features", "null-cipher"];
const PROGRAM = join(ENGINE, "target", "release", "examples", "packets");
/** Shapes of traffic, each with the number of frames in the shorter run. */
const TRAFFIC = { tcp: 200, ack: 2_000, udp: 2_000, small: 2_000 } as const;
const TOLERANCE = 0.01;

type Figures = Readonly<Record<string, number>>;

interface Baseline {
  /** Figures are only compared for the same toolchain: compiler and libc change the instructions. */
  readonly toolchain: string;
  readonly instructionsPerPacket: Figures;
}

interface PacketsResult extends Result {
  readonly name: "packets";
  readonly instructionsPerPacket: Figures;
  /** Ratio to the stored figures; empty if there are none for this toolchain. */
  readonly ratio: Figures;
  /** Shapes that exceed the tolerance. */
  readonly regressions: readonly string[];
  readonly toolchain: string;
  /** Why nothing was counted or compared; `null` = the figures were compared. */
  readonly missing: string | null;
}

export const PACKETS: Benchmark = {
  usage: "[--store yes|no]",
  options: ["store"],
  plan(words) {
    const store = oneOf(words, "store", "no", ["yes", "no"]) === "yes";
    return { file: "packets", run: (progress) => packets(store, progress) };
  },
};

async function packets(store: boolean, progress: Progress): Promise<Outcome> {
  const toolchain = toolchainHere();
  if (spawnSync("valgrind", ["--version"], { stdio: "ignore" }).status !== 0)
    return outcome(toolchain, {}, null, "valgrind is not installed (Debian: apt-get install valgrind)");
  progress("building the packet path with the null cipher");
  await execute("cargo", BUILD, { cwd: ENGINE });
  const figures: Record<string, number> = {};
  for (const [traffic, frames] of Object.entries(TRAFFIC)) {
    figures[traffic] = await perPacket(traffic, frames);
    progress(`${traffic}: ${figures[traffic]} instructions per packet`);
  }
  if (store) writeFileSync(BASELINE, `${JSON.stringify({ toolchain, instructionsPerPacket: figures }, null, 2)}\n`);
  const stored = existsSync(BASELINE) ? (JSON.parse(readFileSync(BASELINE, "utf8")) as Baseline) : null;
  if (stored?.toolchain !== toolchain)
    return outcome(
      toolchain,
      figures,
      null,
      `the stored figures are of ${stored?.toolchain ?? "nothing"}, and here is ${toolchain}: store new ones with --store yes`,
    );
  return outcome(toolchain, figures, stored, null);
}

function toolchainHere(): string {
  const rustc = spawnSync("rustc", ["--version"], { encoding: "utf8" }).stdout.trim();
  const { glibcVersionRuntime } = (process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header;
  // libc selects its copy functions by the processor's vendor and features. valgrind supports at most AVX2.
  const processor = readFileSync("/proc/cpuinfo", "utf8");
  const maker = /^vendor_id\s*:\s*(\S+)/m.exec(processor)?.[1] ?? "unknown vendor";
  const avx2 = /\bavx2\b/.test(processor) ? " AVX2" : "";
  return `${rustc}, glibc ${glibcVersionRuntime ?? "unknown"}, ${process.arch} ${maker}${avx2}`;
}

async function perPacket(traffic: string, frames: number): Promise<number> {
  const [short, long] = [await count(traffic, frames), await count(traffic, 2 * frames)];
  return Math.round((long.instructions - short.instructions) / (long.packets - short.packets));
}

async function count(traffic: string, frames: number): Promise<{ instructions: number; packets: number }> {
  const words = ["--tool=callgrind", "--callgrind-out-file=/dev/null", PROGRAM, traffic, `${frames}`];
  const { stdout, stderr } = await execute("valgrind", words);
  const instructions = Number(/Collected : (\d+)/.exec(stderr)?.[1]);
  if (!Number.isFinite(instructions)) throw new Error(`valgrind counted nothing: ${stderr.trim()}`);
  return { instructions, packets: (JSON.parse(stdout) as { packets: number }).packets };
}

function outcome(toolchain: string, figures: Figures, stored: Baseline | null, missing: string | null): Outcome {
  const compared = Object.entries(figures).filter(([traffic]) => stored?.instructionsPerPacket[traffic] !== undefined);
  const ratio = Object.fromEntries(
    compared.map(([traffic, now]) => [traffic, now / (stored?.instructionsPerPacket[traffic] ?? Number.NaN)]),
  );
  const regressions = Object.keys(ratio).filter((traffic) => (ratio[traffic] ?? 0) > 1 + TOLERANCE);
  const result: PacketsResult = {
    schema: "jumping-vpn/bench/v1",
    name: "packets",
    instructionsPerPacket: figures,
    ratio,
    regressions,
    toolchain,
    missing,
    machine: provenance(),
    raw: [],
  };
  return { result, summary: summarize(result), leftovers: [], failed: regressions.length > 0 };
}

function summarize({ instructionsPerPacket, ratio, regressions, missing }: PacketsResult): string {
  const lines = Object.entries(instructionsPerPacket).map(([traffic, count]) => {
    const change =
      ratio[traffic] === undefined ? "" : `   ${((ratio[traffic] - 1) * 100).toFixed(1)} % compared with the stored figure`;
    return `${traffic.padEnd(6)} ${String(count).padStart(6)} instructions per packet${change}`;
  });
  if (missing !== null) lines.push(`not compared: ${missing}`);
  if (regressions.length > 0) lines.push(`more than ${TOLERANCE * 100} % worse: ${regressions.join(", ")}`);
  return `${lines.join("\n")}\n`;
}
