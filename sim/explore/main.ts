/**
 * `npm run explore`: plays the real core breadth first through all states that its scenes reach. A judge with its own
 * clocks checks each step. Then it plants mistakes in a copy of the build; the judge must find each of them. The last
 * line of stdout is JSON.
 */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { lineOf } from "#transcripts/print";
import { retell, type Violation } from "./explore.ts";
import { MUTANTS, type Mutant } from "./mutants.ts";
import { inLanes, scout } from "./pool.ts";
import { ROWS } from "./rows.ts";
import { DIRECT, SCENES, type Scene } from "./scenes.ts";
import type { Scouted } from "./scout.ts";
import { requireUpToDate, Workshop } from "./workshop.ts";

/** Number of states if `--states` is absent. */
const STATES_DEFAULT = 302_000;
/** Number of states, in each of its scenes, within which a mutant must be found. */
const MUTANT_STATES = 4_000;
const LANES_MAX = 4;

const BUILD = join(import.meta.dirname, "..", "..");
const SCOUT = join(import.meta.dirname, "scout.js");

interface Options {
  readonly states: number;
  readonly json: boolean;
}

async function main(): Promise<void> {
  const options = optionsOf(process.argv.slice(2));
  if (options === null) return;
  requireUpToDate(MUTANTS, BUILD);
  const began = performance.now();
  const lanes = Math.min(LANES_MAX, availableParallelism());
  const scouted = await exploreAll(options, lanes);
  const violations = scouted.flatMap(({ violation }) => violation ?? []);
  for (const violation of violations) tellViolation(violation);
  const survivors = violations.length > 0 ? MUTANTS : await hunt(options, lanes);
  const hit = new Set(scouted.flatMap((one) => one.hit));
  const missed = ROWS.filter((id) => !hit.has(id));
  if (missed.length > 0) say(options, `rows that nothing reached: ${missed.join(", ")}`);
  const summary = {
    schema: "jumping-vpn/explore/v1",
    states: scouted.reduce((sum, { states }) => sum + states, 0),
    transitions: scouted.reduce((sum, { transitions }) => sum + transitions, 0),
    violations: violations.length,
    rows: ROWS.length,
    rowsHit: ROWS.length - missed.length,
    mutants: MUTANTS.length,
    mutantsKilled: MUTANTS.length - survivors.length,
    seconds: Math.round((performance.now() - began) / 100) / 10,
  };
  process.stdout.write(`${JSON.stringify(summary)}\n`);
  process.exitCode = violations.length === 0 && missed.length === 0 && survivors.length === 0 ? 0 : 1;
}

/** Each scene gets a share of the states. Scenes that need fewer states leave the rest to the others. */
async function exploreAll(options: Options, lanes: number): Promise<readonly Scouted[]> {
  const found: Scouted[] = [];
  let left = options.states;
  let weight = SCENES.reduce((sum, scene) => sum + scene.weight, 0);
  const smallFirst = [...SCENES].sort((a, b) => a.weight - b.weight);
  const jobs: readonly (Scene | null)[] = [null, ...smallFirst];
  await inLanes(jobs, lanes, async (scene) => {
    const share = scene === null ? 0 : Math.max(1, Math.round((left * scene.weight) / weight));
    left -= share;
    weight -= scene?.weight ?? 0;
    const name = scene?.name ?? DIRECT;
    const began = performance.now();
    const one = await scout(SCOUT, name, share);
    if (one === null) throw new Error(`the scout of "${name}" died`);
    left += share - one.states;
    found.push(one);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    say(
      options,
      `${name.padEnd(34)} ${String(one.states).padStart(7)} states ${one.closed ? "(all)" : "     "} ${seconds.padStart(6)} s`,
    );
  });
  return found;
}

/** Plants every mutant. Returns those that were not found. */
async function hunt(options: Options, lanes: number): Promise<readonly Mutant[]> {
  const survivors: Mutant[] = [];
  const workshops = Array.from({ length: lanes }, () => new Workshop(BUILD));
  try {
    await inLanes(MUTANTS, lanes, async (mutant, lane) => {
      const workshop = workshops[lane];
      if (workshop === undefined) return;
      workshop.make(mutant);
      const by = await killer(workshop, mutant);
      workshop.undo(mutant);
      if (by === null) survivors.push(mutant);
      say(options, `${by === null ? "SURVIVED" : "killed  "} ${mutant.name}${by === null ? "" : `: ${by}`}`);
    });
  } finally {
    for (const workshop of workshops) workshop.remove();
  }
  return survivors;
}

/** The broken law that revealed the mutant; `null` = none. A scout that crashes has found it, too. */
async function killer(workshop: Workshop, { scenes }: Mutant): Promise<string | null> {
  for (const scene of scenes) {
    const found = await scout(workshop.scout, scene, MUTANT_STATES);
    if (found === null) return "the core failed";
    if (found.violation !== null) return found.violation.broken[0] ?? "";
  }
  return null;
}

/** Prints the shortest sequence to the violation in the format of a transcript. */
function tellViolation({ scene: name, broken, lines }: Violation): void {
  const print = (text: string): boolean => process.stderr.write(`${text}\n`);
  print(`\nscene "${name}":`);
  for (const law of new Set(broken)) print(`  ${law}`);
  const scene = SCENES.find((candidate) => candidate.name === name);
  if (scene === undefined) return;
  for (const { at, line, effects } of retell(scene, lines)) {
    print(`\n> ${at} ${line}`);
    for (const effect of effects) {
      const text = lineOf(effect);
      if (text !== null) print(`    ${text}`);
    }
  }
}

function say({ json }: Options, text: string): void {
  (json ? process.stderr : process.stdout).write(`${text}\n`);
}

function optionsOf(args: readonly string[]): Options | null {
  const rest = [...args];
  let states = STATES_DEFAULT;
  let json = false;
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--json") json = true;
    else if (arg === "--states" && /^[1-9]\d{0,8}$/.test(rest[0] ?? "")) states = Number(rest.shift());
    else {
      process.stderr.write(
        `unknown argument: ${arg}\n  why: explore knows --states N and --json\n  do:  npm run explore -- --states 1000000\n`,
      );
      process.exitCode = 2;
      return null;
    }
  }
  return { states, json };
}

await main();
