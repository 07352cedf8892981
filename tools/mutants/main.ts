/**
 * `npm run mutants [-- --sample N] [--only TEXT] [--open] [--list] [--json]`: plants plausible mistakes in a copy of
 * the engine. Its tests must find each of them. `--sample` takes N rows, chosen by the content of the engine's sources:
 * the same sources give the same rows, and every change gives others. `--open` plays those that no test finds yet.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, run } from "../shell.ts";
import { MUTANTS, type Mutant, OPEN } from "./table.ts";
import { requireUpToDate, Workshop } from "./workshop.ts";

interface Options {
  readonly sample: number;
  readonly only: string | null;
  readonly open: boolean;
  readonly list: boolean;
  readonly json: boolean;
}

async function main(): Promise<void> {
  const options = optionsOf(process.argv.slice(2));
  if (options === null) return;
  requireUpToDate([...MUTANTS, ...OPEN], ROOT);
  const chosen = choose(options);
  if (options.list) {
    for (const { name, file } of chosen) process.stdout.write(`${file.padEnd(44)} ${name}\n`);
    return;
  }
  const playable = chosen.filter(canPlay());
  const skipped = chosen.length - playable.length;
  if (skipped > 0) process.stderr.write(`${skipped} skipped: their tests lay namespaces, which this machine cannot do\n`);
  const { survived, broken } = await hunt(playable, options);
  const killed = playable.length - survived.length - broken.length;
  const summary = { schema: "jumping-vpn/mutants/v1", mutants: playable.length, killed, survived, broken, skipped };
  process.stdout.write(options.json ? `${JSON.stringify(summary)}\n` : `${killed} of ${playable.length} killed\n`);
  process.exitCode = killed === playable.length && killed > 0 ? 0 : 1;
}

/** A test that cannot lay its namespaces passes without a look, so its mistakes would seem to survive. */
function canPlay(): (mutant: Mutant) => boolean {
  const { ok } = run(process.execPath, ["tools/run.mjs", "requirements"]);
  return ({ by }) => ok || by.program !== "tunnel";
}

async function hunt(chosen: readonly Mutant[], { json }: Options): Promise<Record<"survived" | "broken", string[]>> {
  const missed: Record<"survived" | "broken", string[]> = { survived: [], broken: [] };
  const workshop = new Workshop(ROOT);
  try {
    for (const mutant of chosen) {
      const began = performance.now();
      const { fate, elsewhere } = await workshop.fate(mutant);
      if (fate !== "killed") missed[fate].push(mutant.name);
      const word = fate === "killed" ? "killed  " : fate === "survived" ? "SURVIVED" : "BROKEN  ";
      const seconds = ((performance.now() - began) / 1000).toFixed(0).padStart(3);
      const note = fate === "killed" && elsewhere ? ` (not by ${mutant.by.program})` : "";
      (json ? process.stderr : process.stdout).write(`${word} ${seconds} s  ${mutant.name}${note}\n`);
    }
  } finally {
    workshop.remove();
  }
  return missed;
}

function choose({ sample, only, open }: Options): readonly Mutant[] {
  const table = open ? OPEN : MUTANTS;
  if (only !== null) return table.filter(({ name }) => name.includes(only));
  if (sample >= table.length) return table;
  const sources = createHash("sha256");
  for (const file of new Set(table.map((mutant) => mutant.file))) sources.update(readFileSync(join(ROOT, "engine", file)));
  const seed = sources.digest("hex");
  const rank = ({ name }: Mutant): string => createHash("sha256").update(`${seed}${name}`).digest("hex");
  return [...table].sort((a, b) => (rank(a) < rank(b) ? -1 : 1)).slice(0, sample);
}

function optionsOf(args: readonly string[]): Options | null {
  const rest = [...args];
  let options: Options = { sample: Number.POSITIVE_INFINITY, only: null, open: false, list: false, json: false };
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--json") options = { ...options, json: true };
    else if (arg === "--open") options = { ...options, open: true };
    else if (arg === "--list") options = { ...options, list: true };
    else if (arg === "--sample" && /^[1-9]\d{0,3}$/.test(rest[0] ?? "")) options = { ...options, sample: Number(rest.shift()) };
    else if (arg === "--only" && rest[0] !== undefined) options = { ...options, only: rest.shift() ?? null };
    else {
      const why = "mutants knows --sample N, --only TEXT, --open, --list and --json";
      process.stderr.write(`unknown argument: ${arg}\n  why: ${why}\n  do:  npm run mutants -- --sample 10\n`);
      process.exitCode = 2;
      return null;
    }
  }
  return options;
}

await main();
