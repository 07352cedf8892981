/**
 * `npm run lab -- list | run <case …> | run --all | run --quick`. All take `--json`. With `--again` a failed case is
 * played a second time.
 */

import type { Case, Findings } from "./cases/case.ts";
import { CASES, QUICK } from "./cases/index.ts";
import { compareMain } from "./compare/main.ts";
import { leftoversWith } from "./leftovers.ts";
import { providePrograms } from "./requirements.ts";
import { withScope } from "./scope.ts";
import { PREFIX, Stage } from "./stage.ts";

interface CaseResult extends Findings {
  readonly id: string;
  readonly ok: boolean;
}

/** A case that `--all` does not play. */
interface LeftOut {
  readonly id: string;
  readonly why: string;
}

const LEFT_OUT: readonly LeftOut[] = [
  ...CASES.flatMap(({ id, alone }) => (alone === undefined ? [] : [{ id, why: alone }])),
  { id: "iso-sinks", why: "a log sink stops: the file is the only log sink" },
  { id: "iso-partition", why: "the store is partitioned: the local store is the only one" },
];

async function main(): Promise<number> {
  const words = process.argv.slice(2);
  const json = words.includes("--json");
  const [verb, ...rest] = words.filter((word) => word !== "--json");
  if (verb === "compare") return compareMain(words.filter((word) => word !== verb));
  if (verb === "list") return list(json);
  if (verb === "run") {
    const attempts = rest.includes("--again") ? 2 : 1;
    return run(chosen(rest.filter((word) => word !== "--again")), rest.includes("--all") ? LEFT_OUT : [], attempts, json);
  }
  return usage(`unknown command: ${verb ?? "(none)"}`);
}

function list(json: boolean): number {
  const cases = CASES.map(({ id, title }) => ({ id, title }));
  process.stdout.write(
    json
      ? `${JSON.stringify({ schema: "jumping-vpn/lab-list/v1", cases })}\n`
      : cases.map(({ id, title }) => `${id.padEnd(16)} ${title}\n`).join(""),
  );
  return 0;
}

function chosen(words: readonly string[]): readonly Case[] {
  if (words.includes("--all")) return CASES.filter(({ alone }) => alone === undefined);
  const ids = words.includes("--quick") ? QUICK : words;
  return ids.map((id) => {
    const found = CASES.find((one) => one.id === id);
    if (found === undefined) process.exit(usage(`unknown case: ${id}`));
    return found;
  });
}

async function run(cases: readonly Case[], leftOut: readonly LeftOut[], attempts: number, json: boolean): Promise<number> {
  if (cases.length === 0) return usage("no case was given");
  const results: CaseResult[] = [];
  for (const one of cases) {
    process.stderr.write(`▸ ${one.id.padEnd(16)} ${one.title}\n`);
    results.push(await playUntilOk(one, attempts));
  }
  const ok = results.every((result) => result.ok);
  for (const { id, why } of leftOut) process.stderr.write(`left out: ${id.padEnd(16)} ${why}\n`);
  const summary = { schema: "jumping-vpn/lab/v1", ok, cases: results, leftOut };
  process.stdout.write(
    json ? `${JSON.stringify(summary)}\n` : `${results.filter((result) => result.ok).length} of ${results.length} cases ok\n`,
  );
  return ok ? 0 : 1;
}

/**
 * Plays a case up to `attempts` times. If the host takes the processors away for a moment, a case can miss its time
 * limit although the product works.
 */
async function playUntilOk(one: Case, attempts: number): Promise<CaseResult> {
  for (let left = attempts - 1; ; left -= 1) {
    const result = await play(one);
    const problems = result.problems.map((problem) => `\n       ${problem}`).join("");
    process.stderr.write(`  ${result.ok ? "ok  " : "FAIL"} worst gap ${result.timeMs} ms${problems}\n`);
    if (result.ok || left === 0) return result;
    process.stderr.write("  trying again\n");
  }
}

async function play(one: Case): Promise<CaseResult> {
  const missing = providePrograms(one.needs ?? []);
  if (missing.length > 0) return failed(one, missing);
  try {
    const { value, leftovers } = await withScope(async (scope) => {
      const stage = await Stage.open(scope, one.id.replaceAll(".", "-"), one.setting);
      return one.play(stage);
    });
    const problems = [...value.problems, ...leftovers, ...(await leftoversWith(PREFIX))];
    const ok = problems.length === 0 && value.bytes && value.identity && value.story;
    return { id: one.id, ok, ...value, problems };
  } catch (error) {
    return failed(one, [error instanceof Error ? error.message : String(error)]);
  }
}

function failed({ id }: Case, problems: readonly string[]): CaseResult {
  return { id, ok: false, bytes: false, timeMs: -1, identity: false, story: false, problems };
}

function usage(what: string): number {
  process.stderr.write(
    `${what}\n  why: the lab plays the cases of the failure matrix\n  do:  npm run lab -- list | run <case …> | run --all   [--json]\n`,
  );
  return 2;
}

process.exitCode = await main();
