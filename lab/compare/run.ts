/**
 * The same fault for all at the same moment: every subject runs over the same two links, each carries its echo flows (200 bytes each
 * 5 ms), and one fault hits eth0 under all of them. What is reported is the longest time without an echo.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Netns } from "../ip.ts";
import { type Provenance, provenance, ticks } from "../machine.ts";
import type { Scope } from "../scope.ts";
import { elapse, PREFIX, until } from "../stage.ts";
import { type Distribution, distribution } from "../statistics.ts";
import { Tool } from "../tool.ts";
import { GATEWAY_V4, layOut, type Topology, type Uplink } from "../topology.ts";
import { CANDIDATES, type Over, type Subject } from "./subjects.ts";

export const COMPARED = ["1.1-signalled", "1.1-silent", "planned"] as const;
export type ComparedCase = (typeof COMPARED)[number];

export interface CompareOptions {
  readonly trials: number;
  readonly rttMs: number;
  /** How long a fault lasts and is observed. */
  readonly seconds: number;
}

export interface ComparedTrial {
  readonly trial: number;
  readonly subject: string;
  readonly over: Over;
  /** Longest time without an echo, ms; `null` = it lasted until the fault was healed. */
  readonly gapMs: number | null;
  /** Echoes that never came; over TCP none is ever lost. */
  readonly lost: number;
  /** How late the link emulators were at worst, µs, and the share of the processors' time that the host took away. */
  readonly lateUs: number;
  readonly steal: number;
}

export interface CompareResult {
  readonly schema: "jumping-vpn/compare/v1";
  readonly case: ComparedCase;
  readonly options: CompareOptions;
  /** By subject, then by what the echo went over. */
  readonly gapMs: Readonly<Record<string, Readonly<Partial<Record<Over, Distribution>>>>>;
  readonly missing: Readonly<Record<string, string>>;
  /** Trials that a subject sat out because it had not recovered from the one before. */
  readonly satOut: Readonly<Record<string, number>>;
  readonly machine: Provenance;
  readonly raw: readonly ComparedTrial[];
}

const PORT = 7_300;
const PER_SECOND = 200;
const BYTES = 200;
/** After a fault is healed a subject has this long to work again over eth0. */
const RECOVERY_LIMIT_MS = 30_000;
/** A connection with its second subflow, and a session's paths, have this long to settle before a fault. */
const SETTLE_MS = 1_500;
/** A gap at the end of a trial that is shorter than this is the rhythm of the flow. */
const OPEN_GAP_MIN_US = 500_000;
const LINKS = ["eth0", "wlan0"] as const;

interface EchoReport {
  readonly boot_us: number;
  readonly received: number;
  readonly lost: number;
  readonly gap: { readonly us: number; readonly open: boolean };
}

interface Echo {
  readonly subject: Subject;
  readonly over: Over;
  readonly tool: Tool;
}

export async function compare(
  scope: Scope,
  which: ComparedCase,
  options: CompareOptions,
  progress: (line: string) => void,
): Promise<CompareResult> {
  const topology = await layOut(scope, `${PREFIX}compare-`, LINKS, options.rttMs);
  const { subjects, missing } = await startSubjects(scope, topology, progress);
  await Tool.start(scope, topology.gateway, ["echo", "serve", "--bind", `0.0.0.0:${PORT}`]);
  const raw: ComparedTrial[] = [];
  const satOut: Record<string, number> = {};
  for (let trial = 0; trial < options.trials; trial += 1) {
    const echoes = await ready(scope, topology.client, subjects, (name) => {
      satOut[name] = (satOut[name] ?? 0) + 1;
    });
    const played = await play(which, topology, subjects, echoes, options, trial);
    raw.push(...played);
    for (const { tool } of echoes) await tool.stop();
    const said = played.map(({ subject, over, gapMs }) => `${subject}/${over} ${gapMs === null ? "not back" : gapMs.toFixed(0)}`);
    progress(`${which} ${trial + 1}/${options.trials}: ${said.join(", ")} ms`);
  }
  const gapMs = summary(raw);
  return { schema: "jumping-vpn/compare/v1", case: which, options, gapMs, missing, satOut, machine: provenance(), raw };
}

async function startSubjects(
  scope: Scope,
  topology: Topology,
  progress: (line: string) => void,
): Promise<{ subjects: readonly Subject[]; missing: Readonly<Record<string, string>> }> {
  const folder = mkdtempSync(join(tmpdir(), `${PREFIX}compare-`));
  scope.defer(`folder ${folder}`, () => rmSync(folder, { recursive: true, force: true }));
  const { client, gateway } = topology;
  const ground = { client, gateway, clientOuter: null, gatewayOuter: GATEWAY_V4, folder };
  const subjects: Subject[] = [];
  const missing: Record<string, string> = {};
  for (const candidate of CANDIDATES) {
    const why = candidate.missing();
    if (why === null) subjects.push(await candidate.start(scope, ground, topology));
    else {
      missing[candidate.name] = why;
      progress(`${candidate.name} does not take part: ${why}`);
    }
  }
  return { subjects, missing };
}

/** Every subject on eth0 with its echo flows running; one that does not come back in time sits this trial out. */
async function ready(
  scope: Scope,
  client: Netns,
  subjects: readonly Subject[],
  sitsOut: (name: string) => void,
): Promise<readonly Echo[]> {
  const started = await Promise.all(
    subjects.map(async (subject): Promise<readonly Echo[]> => {
      try {
        await subject.moveTo?.("eth0");
        await answers(scope, client, subject);
        return await Promise.all(
          subject.flows.map(async (over) => ({ subject, over, tool: await startEcho(scope, client, subject, over) })),
        );
      } catch {
        sitsOut(subject.name);
        return [];
      }
    }),
  );
  await elapse(SETTLE_MS);
  return started.flat();
}

/** Waits until the subject carries packets, with a flow that is thrown away. */
async function answers(scope: Scope, client: Netns, subject: Subject): Promise<void> {
  const probe = await startEcho(scope, client, subject, "udp");
  try {
    await until(`${subject.name} carries packets`, RECOVERY_LIMIT_MS, async () => {
      const { received } = await report(probe, 0);
      return received > 20 ? true : undefined;
    });
  } finally {
    await probe.stop();
  }
}

function startEcho(scope: Scope, client: Netns, { address }: Subject, over: Over): Promise<Tool> {
  const to = ["--to", `${address}:${PORT}`, "--rate", `${PER_SECOND}`, "--size", `${BYTES}`];
  return Tool.start(scope, client, ["echo", "run", "--over", over, ...to]);
}

async function report(echo: Tool, fromUs: number): Promise<EchoReport> {
  return (await echo.ask({ op: "report", fromUs })) as unknown as EchoReport;
}

async function play(
  which: ComparedCase,
  topology: Topology,
  subjects: readonly Subject[],
  echoes: readonly Echo[],
  { seconds, rttMs }: CompareOptions,
  trial: number,
): Promise<readonly ComparedTrial[]> {
  const [eth0] = topology.uplinks;
  if (eth0 === undefined) throw new Error("the comparison has two links");
  await eth0.lateUs();
  const before = ticks();
  const { atUs, heal } = await strike(which, eth0, topology.client, subjects);
  await elapse(seconds * 1_000);
  const after = ticks();
  const lateUs = await eth0.lateUs();
  const steal = (after.steal - before.steal) / Math.max(1, after.all - before.all);
  const trials = await Promise.all(
    echoes.map(async ({ subject, over, tool }): Promise<ComparedTrial> => {
      const { gap, lost } = await report(tool, atUs - rttMs * 1_000);
      const gapMs = gap.open && gap.us > OPEN_GAP_MIN_US ? null : gap.us / 1_000;
      return { trial, subject: subject.name, over, gapMs, lost, lateUs, steal };
    }),
  );
  await heal();
  return trials;
}

/** Strikes all subjects at once; returns when, µs of the boot clock, and how it is undone. */
async function strike(
  which: ComparedCase,
  eth0: Uplink,
  client: Netns,
  subjects: readonly Subject[],
): Promise<{ atUs: number; heal: () => Promise<unknown> }> {
  switch (which) {
    case "1.1-signalled":
      return { atUs: await eth0.unplug(), heal: () => eth0.plug() };
    case "1.1-silent":
      return {
        atUs: await eth0.impair("both", { blackhole: true }),
        heal: () => eth0.impair("both", { blackhole: false }),
      };
    case "planned": {
      const atUs = await eth0.now();
      const toWlan0 = "default via 10.2.0.1 dev wlan0 metric 50";
      await Promise.all([client.ip(`route add ${toWlan0}`), ...subjects.map(({ moveTo }) => moveTo?.("wlan0"))]);
      return { atUs, heal: () => client.ip(`route del ${toWlan0}`) };
    }
  }
}

function summary(raw: readonly ComparedTrial[]): CompareResult["gapMs"] {
  const names = [...new Set(raw.map(({ subject }) => subject))];
  const overs = (name: string): readonly Over[] => [
    ...new Set(raw.filter(({ subject }) => subject === name).map(({ over }) => over)),
  ];
  const of = (name: string, over: Over): Distribution =>
    distribution(raw.filter((one) => one.subject === name && one.over === over).map(({ gapMs }) => gapMs));
  return Object.fromEntries(names.map((name) => [name, Object.fromEntries(overs(name).map((over) => [over, of(name, over)]))]));
}
