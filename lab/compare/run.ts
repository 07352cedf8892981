/**
 * All subjects get the same fault at the same moment. They run over the same two links, each with its own echo flows
 * (200 bytes every 5 ms), and one fault hits eth0. The result is the longest time without an echo.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Netns } from "../ip.ts";
import { type Provenance, provenance, ticks } from "../machine.ts";
import { Scope } from "../scope.ts";
import { elapse, PREFIX, until } from "../stage.ts";
import { type Distribution, distribution } from "../statistics.ts";
import { Tool } from "../tool.ts";
import { GATEWAY_V4, layOut, type Topology, type Uplink } from "../topology.ts";
import { CANDIDATES, type Over, type Subject } from "./subjects.ts";

export const COMPARED = ["1.1-signalled", "1.1-silent", "planned"] as const;
type ComparedCase = (typeof COMPARED)[number];

interface CompareOptions {
  readonly trials: number;
  readonly rttMs: number;
  /** How long the flows are observed after a fault. */
  readonly seconds: number;
}

interface ComparedTrial {
  readonly trial: number;
  readonly subject: string;
  readonly over: Over;
  /** Longest time without an echo, ms; `null` = it lasted until the trial's end. */
  readonly gapMs: number | null;
  /** Echoes that never arrived; always 0 over TCP. */
  readonly lost: number;
  /** Greatest delay error of the link emulators, µs. `steal`: share of processor time that the host took away. */
  readonly lateUs: number;
  readonly steal: number;
}

export interface CompareResult {
  readonly schema: "jumping-vpn/compare/v1";
  readonly case: ComparedCase;
  readonly options: CompareOptions;
  /** By subject, then by the protocol of the echo flow. */
  readonly gapMs: Readonly<Record<string, Readonly<Partial<Record<Over, Distribution>>>>>;
  readonly missing: Readonly<Record<string, string>>;
  /** Why a subject missed trials, one reason for each trial. */
  readonly satOut: Readonly<Record<string, readonly string[]>>;
  readonly machine: Provenance;
  readonly raw: readonly ComparedTrial[];
}

const PORT = 7_300;
const PER_SECOND = 200;
const BYTES = 200;
/** Longest wait for the first packet through a subject. */
const START_LIMIT_MS = 30_000;
/** Wait before a fault, so that second subflows and session paths are established. */
const SETTLE_MS = 1_500;
/** A shorter gap at the end of a trial is only the interval between two packets. */
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
  const missing = Object.fromEntries(
    CANDIDATES.flatMap(({ name, missing: why }) => (why() === null ? [] : [[name, why() ?? ""]])),
  );
  for (const [name, why] of Object.entries(missing)) progress(`${name} does not take part: ${why}`);
  const raw: ComparedTrial[] = [];
  const satOut: Record<string, string[]> = {};
  for (let trial = 0; trial < options.trials; trial += 1) {
    // Each trial starts all subjects anew. A subject that has moved may stay on the other link, where the next fault
    // does not hit it.
    const trialScope = new Scope();
    scope.defer(`trial ${trial}`, () => void trialScope.close());
    const played = await oneTrial(trialScope, which, options, trial, (name, why) => {
      satOut[name] = [...(satOut[name] ?? []), why];
      progress(`${name} does not take part in trial ${trial + 1}: ${why}`);
    });
    const leftovers = await trialScope.close();
    if (leftovers.length > 0) throw new Error(`trial ${trial} left behind: ${leftovers.join("; ")}`);
    raw.push(...played);
    const said = played.map(({ subject, over, gapMs }) => `${subject}/${over} ${gapMs === null ? "not back" : gapMs.toFixed(0)}`);
    progress(`${which} ${trial + 1}/${options.trials}: ${said.join(", ")} ms`);
  }
  const gapMs = summary(raw);
  return { schema: "jumping-vpn/compare/v1", case: which, options, gapMs, missing, satOut, machine: provenance(), raw };
}

async function oneTrial(
  scope: Scope,
  which: ComparedCase,
  options: CompareOptions,
  trial: number,
  sitsOut: (name: string, why: string) => void,
): Promise<readonly ComparedTrial[]> {
  const topology = await layOut(scope, `${PREFIX}compare-`, LINKS, options.rttMs);
  const folder = mkdtempSync(join(tmpdir(), `${PREFIX}compare-`));
  scope.defer(`folder ${folder}`, () => rmSync(folder, { recursive: true, force: true }));
  const { client, gateway } = topology;
  await Tool.start(scope, gateway, ["echo", "serve", "--bind", `0.0.0.0:${PORT}`]);
  const ground = { client, gateway, clientOuter: null, gatewayOuter: GATEWAY_V4, folder };
  const subjects: Subject[] = [];
  const echoes: Echo[] = [];
  for (const candidate of CANDIDATES.filter(({ missing }) => missing() === null)) {
    try {
      const subject = await candidate.start(scope, ground, topology);
      await answers(scope, client, subject);
      for (const over of subject.flows) echoes.push({ subject, over, tool: await startEcho(scope, client, subject, over) });
      subjects.push(subject);
    } catch (error) {
      sitsOut(candidate.name, (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "");
    }
  }
  await elapse(SETTLE_MS);
  return play(which, topology, subjects, echoes, options, trial);
}

/** Waits until the subject carries packets, with a flow of its own that is not counted. */
async function answers(scope: Scope, client: Netns, subject: Subject): Promise<void> {
  const probe = await startEcho(scope, client, subject, "udp");
  await until(`${subject.name} carries packets`, START_LIMIT_MS, async () => {
    const { received } = await report(probe, 0);
    return received > 20 ? true : undefined;
  });
  await probe.stop();
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
  const atUs = await strike(which, eth0, topology.client, subjects);
  await elapse(seconds * 1_000);
  const after = ticks();
  const lateUs = await eth0.lateUs();
  const steal = (after.steal - before.steal) / Math.max(1, after.all - before.all);
  return Promise.all(
    echoes.map(async ({ subject, over, tool }): Promise<ComparedTrial> => {
      const { gap, lost } = await report(tool, atUs - rttMs * 1_000);
      const gapMs = gap.open && gap.us > OPEN_GAP_MIN_US ? null : gap.us / 1_000;
      return { trial, subject: subject.name, over, gapMs, lost, lateUs, steal };
    }),
  );
}

/** Starts the fault for all subjects at once. Returns its time, µs of the boot clock. */
async function strike(which: ComparedCase, eth0: Uplink, client: Netns, subjects: readonly Subject[]): Promise<number> {
  switch (which) {
    case "1.1-signalled":
      return eth0.unplug();
    case "1.1-silent":
      return eth0.impair("both", { blackhole: true });
    case "planned": {
      const atUs = await eth0.now();
      const route = client.ip("route add default via 10.2.0.1 dev wlan0 metric 50");
      await Promise.all([route, ...subjects.map(({ moveTo }) => moveTo?.("wlan0"))]);
      return atUs;
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
