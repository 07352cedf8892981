/** `npm run lab -- list | run <case …> | run --all | run --quick`, each with `--json`. */

import type { Case, Findings } from "./cases/case.ts";
import { CASES, QUICK } from "./cases/index.ts";
import { namespacesWith } from "./ip.ts";
import { requireAll } from "./requirements.ts";
import { withScope } from "./scope.ts";
import { PREFIX, Stage } from "./stage.ts";

interface CaseResult extends Findings {
  readonly id: string;
  readonly ok: boolean;
}

async function main(): Promise<number> {
  const words = process.argv.slice(2);
  const json = words.includes("--json");
  const [verb, ...rest] = words.filter((word) => word !== "--json");
  if (verb === "list") return list(json);
  if (verb === "run") return run(chosen(rest), json);
  return usage(`unknown verb: ${verb ?? "(none)"}`);
}

function list(json: boolean): number {
  const cases = CASES.map(({ id, title }) => ({ id, title }));
  process.stdout.write(
    json
      ? `${JSON.stringify({ schema: "jumping-vpn/lab-list/v1", cases })}\n`
      : cases.map(({ id, title }) => `${id.padEnd(6)} ${title}\n`).join(""),
  );
  return 0;
}

function chosen(words: readonly string[]): readonly Case[] {
  if (words.includes("--all")) return CASES;
  const ids = words.includes("--quick") ? QUICK : words;
  return ids.map((id) => {
    const found = CASES.find((one) => one.id === id);
    if (found === undefined) process.exit(usage(`unknown case: ${id}`));
    return found;
  });
}

async function run(cases: readonly Case[], json: boolean): Promise<number> {
  if (cases.length === 0) return usage("no case was named");
  requireAll();
  const results: CaseResult[] = [];
  for (const one of cases) {
    process.stderr.write(`▸ ${one.id.padEnd(4)} ${one.title}\n`);
    const result = await play(one);
    results.push(result);
    process.stderr.write(
      `  ${result.ok ? "ok  " : "FAIL"} worst gap ${result.timeMs} ms${result.problems.map((problem) => `\n       ${problem}`).join("")}\n`,
    );
  }
  const ok = results.every((result) => result.ok);
  const summary = { schema: "jumping-vpn/lab/v1", ok, cases: results };
  process.stdout.write(
    json ? `${JSON.stringify(summary)}\n` : `${results.filter((result) => result.ok).length} of ${results.length} cases ok\n`,
  );
  return ok ? 0 : 1;
}

async function play(one: Case): Promise<CaseResult> {
  try {
    const { value, leftovers } = await withScope(async (scope) => {
      const stage = await Stage.open(scope, one.id.replaceAll(".", "-"), one.setting);
      return one.play(stage);
    });
    const namespaces = await namespacesWith(PREFIX);
    const problems = [...value.problems, ...leftovers, ...namespaces.map((name) => `namespace ${name} was left behind`)];
    const ok = problems.length === 0 && value.bytes && value.identity && value.story;
    return { id: one.id, ok, ...value, problems };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { id: one.id, ok: false, bytes: false, timeMs: -1, identity: false, story: false, problems: [problem] };
  }
}

function usage(what: string): number {
  process.stderr.write(
    `${what}\n  why: the lab plays the cases of the failure matrix\n  do:  npm run lab -- list | run <case …> | run --all   [--json]\n`,
  );
  return 2;
}

process.exitCode = await main();
