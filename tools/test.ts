/**
 * `npm test`: runs the whole suite and ends with one summary line. Every part runs and prints its result, even if an
 * earlier part failed. If root, a TUN device or valgrind is missing, the parts that need it are reported as skipped.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { bin, ROOT, run } from "./shell.ts";

interface Count {
  readonly passed: number;
  readonly failed: number;
  /** Why the part did not run. */
  readonly skipped?: string;
}

interface Part {
  readonly name: string;
  readonly play: () => Count;
}

const PARTS: readonly Part[] = [
  { name: "check", play: () => one(process.execPath, ["build/tools/check.js"]) },
  { name: "TypeScript", play: vitest },
  { name: "exploration", play: () => one(process.execPath, ["build/sim/explore/main.js"]) },
  { name: "engine", play: () => cargo("engine") },
  { name: "mistakes planted in the engine", play: () => one(process.execPath, ["build/tools/mutants/main.js", "--sample", "8"]) },
  { name: "instructions per packet", play: instructions },
  { name: "lab tools", play: () => cargo("lab/native") },
  { name: "lab", play: inNamespaces(() => one(process.execPath, ["build/lab/main.js", "run", "--quick", "--again"])) },
  { name: "demo", play: inNamespaces(demo) },
];

function main(): void {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const { name, play } of PARTS) {
    process.stdout.write(`\n■ ${name}\n`);
    const began = performance.now();
    const { passed, failed, skipped } = play();
    const outcome = skipped === undefined ? `${passed} ok, ${failed} failed` : `skipped (${skipped})`;
    process.stdout.write(`■ ${name}: ${outcome}, ${((performance.now() - began) / 1000).toFixed(0)} s\n`);
    if (skipped !== undefined) total.skipped += 1;
    total.passed += passed;
    total.failed += failed;
  }
  const skipped = total.skipped === 0 ? "" : `, ${total.skipped} skipped`;
  process.stdout.write(`\n${total.passed} passed, ${total.failed} failed${skipped}\n`);
  process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
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

/** Adds up cargo's `test result:` lines. A failed build has none and counts as one failure. */
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

/** A failed demo runs a second time, for the same reason as `--again` of the lab. */
function demo(): Count {
  const play = (): Count => one(process.execPath, ["build/lab/demo/main.js", "--json"]);
  const first = play();
  return first.failed === 0 ? first : play();
}

/** The figures can only be compared if they were counted with the same toolchain. */
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

/** Skips the part if this machine cannot create namespaces and tunnels. */
function inNamespaces(part: () => Count): () => Count {
  return () => {
    const asked = run(process.execPath, ["tools/run.mjs", "requirements"]);
    return asked.ok ? part() : { passed: 0, failed: 0, skipped: asked.output.split("\n")[0] ?? "requirements are missing" };
  };
}

main();
