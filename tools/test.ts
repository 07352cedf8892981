/**
 * `npm test`: the whole suite, one closing line. Every part runs even where an earlier one failed, and prints what it did.
 * Parts that need root and a TUN device, or valgrind, are reported as skipped, with the reason, where these are missing.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { bin, ROOT, run } from "./shell.ts";

interface Count {
  readonly passed: number;
  readonly failed: number;
  /** Why nothing was judged. */
  readonly skipped?: string;
}

interface Part {
  readonly name: string;
  /** What keeps the part from being run here, or `null`. */
  readonly missing: () => string | null;
  readonly run: () => Count;
}

const nothing = () => null;

const PARTS: readonly Part[] = [
  { name: "check", missing: nothing, run: () => one(process.execPath, ["build/tools/check.js"]) },
  { name: "TypeScript", missing: nothing, run: vitest },
  { name: "exploration", missing: nothing, run: () => one(process.execPath, ["build/sim/explore/main.js"]) },
  { name: "engine", missing: nothing, run: () => cargo("engine") },
  { name: "instructions per packet", missing: nothing, run: instructions },
  { name: "lab tools", missing: nothing, run: () => cargo("lab/native") },
  {
    name: "lab",
    missing: namespacesMissing,
    run: () => one(process.execPath, ["build/lab/main.js", "run", "--quick", "--again"]),
  },
  { name: "demo", missing: namespacesMissing, run: demo },
];

function main(): void {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const part of PARTS) {
    const began = performance.now();
    const { passed, failed, skipped } = runUnlessMissing(part);
    if (skipped !== undefined) {
      process.stdout.write(`\n■ ${part.name}: skipped (${skipped})\n`);
      total.skipped += 1;
      continue;
    }
    process.stdout.write(`■ ${part.name}: ${passed} ok, ${failed} not, ${((performance.now() - began) / 1000).toFixed(0)} s\n`);
    total.passed += passed;
    total.failed += failed;
  }
  const skipped = total.skipped === 0 ? "" : `, ${total.skipped} skipped`;
  process.stdout.write(`\n${total.passed} passed, ${total.failed} failed${skipped}\n`);
  process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
}

function runUnlessMissing({ name, missing, run }: Part): Count {
  const skipped = missing();
  if (skipped !== null) return { passed: 0, failed: 0, skipped };
  process.stdout.write(`\n■ ${name}\n`);
  return run();
}

function vitest(): Count {
  const report = join(ROOT, "build", "vitest.json");
  mkdirSync(join(ROOT, "build"), { recursive: true });
  rmSync(report, { force: true });
  const ran = spawnSync(bin("vitest"), ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`], {
    cwd: ROOT,
    stdio: "inherit",
  });
  const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, "utf8")) as {
    numPassedTests: number;
    numFailedTests: number;
  };
  const brokenOutsideOfTests = ran.status !== 0 && numFailedTests === 0 ? 1 : 0;
  return { passed: numPassedTests, failed: numFailedTests + brokenOutsideOfTests };
}

/** Sums cargo's `test result:` lines; a build that fails has none and counts as one failure. */
function cargo(workspace: string): Count {
  const ran = spawnSync("cargo", ["test", "--locked", "--no-fail-fast"], {
    cwd: join(ROOT, workspace),
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 256 << 20,
  });
  const results = [...ran.stdout.matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed/gm)];
  const count = results.reduce(
    (sum, [, passed, failed]) => ({ passed: sum.passed + Number(passed), failed: sum.failed + Number(failed) }),
    {
      passed: 0,
      failed: 0,
    },
  );
  if (ran.status !== 0) process.stdout.write(ran.stdout);
  return ran.status !== 0 && count.failed === 0 ? { ...count, failed: 1 } : count;
}

/** Once more where it fails: see `--again` of the lab. */
function demo(): Count {
  const play = (): Count => one(process.execPath, ["build/lab/demo/main.js", "--json"]);
  const first = play();
  return first.failed === 0 ? first : play();
}

/** The figures can be compared only where they were counted with the same tools. */
function instructions(): Count {
  const words = ["build/bench/main.js", "packets", "--json"];
  const ran = spawnSync(process.execPath, words, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  if (ran.status !== 0) return { passed: 0, failed: 1 };
  const { missing } = JSON.parse(ran.stdout) as { readonly missing: string | null };
  return missing === null ? { passed: 1, failed: 0 } : { passed: 0, failed: 0, skipped: missing };
}

function one(command: string, args: readonly string[]): Count {
  const ran = spawnSync(command, args, { cwd: ROOT, stdio: "inherit" });
  return ran.status === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** What keeps namespaces and tunnels from being made here, or `null`. */
function namespacesMissing(): string | null {
  const asked = run(process.execPath, ["tools/run.mjs", "requirements"]);
  return asked.ok ? null : (asked.output.split("\n")[0] ?? "requirements are missing");
}

main();
