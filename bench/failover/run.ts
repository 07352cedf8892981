/** `npm run bench -- failover`: measures the kinds of fail-over, each with its whole distribution. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { provenance } from "#lab/machine";
import { CLI } from "#lab/paths";
import { Scope, withScope } from "#lab/scope";
import { type Distribution, distribution } from "#lab/statistics";
import type { Progress, Result } from "../benchmark.ts";
import { makeFolder } from "../ground.ts";
import { BLACKOUT_SECONDS, type BlackoutTrial, blackoutTrial } from "./blackout.ts";
import { type FalseJumps, falseJumps } from "./false-jumps.ts";
import { Field, type FieldPlan, type Liveness, policyText } from "./field.ts";
import { plannedJumps } from "./planned.ts";
import { jumpTrial, LINK_DOWN, playSeries, type Series, silence, type Trial } from "./trials.ts";

export const KINDS = ["signalled", "silent", "silentOneWay", "planned", "redundant", "blackout", "falseJumps"] as const;
type Kind = (typeof KINDS)[number];

interface FailoverOptions {
  readonly trials: number;
  readonly rttMs: number;
  readonly liveness: Liveness;
  readonly kinds: readonly Kind[];
  /** Trials for each duration of a blackout. */
  readonly blackouts: number;
  readonly falseSeconds: number;
  /** Kinds that are played at the same time; some always run alone. A field needs about a tenth of a processor. */
  readonly atOnce: number;
}

interface Gaps extends Distribution {
  readonly repeated: number;
  readonly unsound: number;
}

export interface FailoverResult extends Result {
  readonly name: "failover";
  readonly options: FailoverOptions;
  readonly signalled: Gaps | null;
  readonly silent: Gaps | null;
  readonly silentOneWay: Gaps | null;
  readonly planned: {
    readonly jumps: number;
    readonly lost: number;
    readonly refused: number;
    readonly gapMs: Distribution;
  } | null;
  readonly redundant: { readonly trials: number; readonly lost: number; readonly gapMs: Distribution } | null;
  /** By duration of the blackout, s. */
  readonly blackoutTcpResumeMs: Readonly<Record<string, Distribution>> | null;
  readonly falseJumps: FalseJumps | null;
  /** Why a result is `null`. */
  readonly notMeasured: Readonly<Partial<Record<Kind, string>>>;
  readonly raw: readonly (Trial | BlackoutTrial)[];
}

/**
 * Kinds that run alone. Taking a link down makes the whole kernel wait for its readers, and a blackout has limits of a
 * few milliseconds. Beside other kinds they would be late and would delay the others.
 */
const ALONE: readonly Kind[] = ["signalled", "blackout"];

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Plays the requested kinds, `atOnce` of them at the same time. Each kind has a topology of its own. */
export async function failover(
  options: FailoverOptions,
  progress: Progress,
): Promise<{ result: FailoverResult; leftovers: readonly string[] }> {
  const left: string[] = [];
  const raw: (Trial | BlackoutTrial)[] = [];
  const notMeasured: Partial<Record<Kind, string>> = {};
  const result: Mutable<FailoverResult> = {
    schema: "jumping-vpn/bench/v1",
    name: "failover",
    options,
    signalled: null,
    silent: null,
    silentOneWay: null,
    planned: null,
    redundant: null,
    blackoutTcpResumeMs: null,
    falseJumps: null,
    notMeasured,
    machine: provenance(),
    raw,
  };
  for (const kind of KINDS) if (!options.kinds.includes(kind)) notMeasured[kind] = "not asked for";
  const play = async (kind: Kind, scope: Scope): Promise<void> => {
    const why = kind === "redundant" ? refusedPolicy(scope, planOf(kind, options)) : null;
    if (why !== null) {
      notMeasured[kind] = why;
      progress(`${kind} is not measured: ${why}`);
      return;
    }
    await measure(kind, await Field.open(scope, kind, planOf(kind, options)), options, result, raw, progress);
  };
  const { leftovers } = await withScope(async (all) => {
    const asked = KINDS.filter((kind) => options.kinds.includes(kind));
    const waiting = asked.filter((kind) => !ALONE.includes(kind));
    const playOne = async (kind: Kind): Promise<void> => {
      const scope = nested(all, kind);
      try {
        await play(kind, scope);
      } catch (error) {
        // The failure of one kind must not lose hours of trials of the others.
        notMeasured[kind] = error instanceof Error ? error.message : String(error);
        progress(`${kind} was broken off: ${notMeasured[kind]}`);
      }
      left.push(...(await scope.close()));
    };
    const lane = async (): Promise<void> => {
      for (let kind = waiting.shift(); kind !== undefined; kind = waiting.shift()) await playOne(kind);
    };
    for (const kind of asked) if (ALONE.includes(kind)) await playOne(kind);
    await Promise.all(Array.from({ length: options.atOnce }, lane));
  });
  left.push(...leftovers);
  return { result, leftovers: left };
}

/** A scope that is closed with `all` at the latest, but can be closed earlier. */
function nested(all: Scope, what: string): Scope {
  const scope = new Scope();
  all.defer(what, async () => {
    const left = await scope.close();
    if (left.length > 0) throw new Error(left.join("; "));
  });
  return scope;
}

function planOf(kind: Kind, { rttMs, liveness }: FailoverOptions): FieldPlan {
  return {
    rttMs,
    liveness,
    preset: kind === "planned" ? "bench" : "standard",
    mode: kind === "redundant" ? "redundant" : "failover",
  };
}

async function measure(
  kind: Kind,
  field: Field,
  options: FailoverOptions,
  result: Mutable<FailoverResult>,
  raw: (Trial | BlackoutTrial)[],
  progress: Progress,
): Promise<void> {
  const series = async (play: (index: number) => Promise<Trial>): Promise<Series> => {
    const played = await playSeries(options.trials, play, progress);
    raw.push(...played.trials);
    return played;
  };
  switch (kind) {
    case "signalled":
      result.signalled = gaps(await series((index) => jumpTrial(field, LINK_DOWN, index)));
      return;
    case "silent":
      result.silent = gaps(await series((index) => jumpTrial(field, silence(kind, "both"), index)));
      return;
    case "silentOneWay":
      result.silentOneWay = gaps(
        await series((index) => jumpTrial(field, silence(kind, index % 2 === 0 ? "up" : "down"), index)),
      );
      return;
    case "redundant": {
      const { trials } = await series((index) => jumpTrial(field, silence(kind, "both"), index));
      result.redundant = {
        trials: trials.length,
        lost: sumOfLost(trials),
        gapMs: distribution(trials.map(({ gapMs }) => gapMs)),
      };
      return;
    }
    case "planned": {
      const { trials, refused } = await plannedJumps(field, options.trials, progress);
      raw.push(...trials);
      const gapMs = distribution(trials.map((trial) => trial.gapMs));
      result.planned = { jumps: trials.length, lost: sumOfLost(trials), refused, gapMs };
      return;
    }
    case "blackout":
      result.blackoutTcpResumeMs = await blackouts(field, options.blackouts, raw, progress);
      return;
    case "falseJumps":
      result.falseJumps = await falseJumps(field, options.falseSeconds, progress);
      return;
  }
}

async function blackouts(
  field: Field,
  count: number,
  raw: (Trial | BlackoutTrial)[],
  progress: Progress,
): Promise<Record<string, Distribution>> {
  const bySeconds: Record<string, Distribution> = {};
  for (const seconds of BLACKOUT_SECONDS) {
    const trials: BlackoutTrial[] = [];
    for (let index = 0; index < count; index += 1) {
      const trial = await blackoutTrial(field, seconds);
      trials.push(trial);
      progress(`blackout of ${seconds} s, ${index + 1}/${count}: TCP moves ${trial.tcpResumeMs ?? "not"} ms after the return`);
    }
    raw.push(...trials);
    bySeconds[seconds] = distribution(trials.map(({ tcpResumeMs }) => tcpResumeMs));
  }
  return bySeconds;
}

function gaps({ trials, repeated, unsound }: Series): Gaps {
  return { ...distribution(trials.map(({ gapMs }) => gapMs)), repeated, unsound };
}

function sumOfLost(trials: readonly Trial[]): number {
  return trials.reduce((sum, { lost }) => sum + lost, 0);
}

/** Why the product's own check refuses this policy; `null` = the policy is valid. */
function refusedPolicy(scope: Scope, plan: FieldPlan): string | null {
  const file = join(makeFolder(scope, "policy"), "policy.toml");
  writeFileSync(file, policyText(plan));
  try {
    execFileSync(process.execPath, [CLI, "config", "check", file, "--json"], { stdio: "pipe", encoding: "utf8" });
    return null;
  } catch (error) {
    const printed = (error as { stdout?: string }).stdout ?? "";
    if (!printed.startsWith("{")) throw error;
    const { files } = JSON.parse(printed) as { files: { faults: { what: string; why: string }[] }[] };
    return files.flatMap(({ faults }) => faults.map(({ what, why }) => `${what}: ${why}`)).join("; ");
  }
}
