/** `npm run check`: all static checks of the sources. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { attackFaults } from "./attacks.ts";
import { exportFaults, KEPT, readSources } from "./exports.ts";
import { COLUMNS_MAX, longLines } from "./line-length.ts";
import { plant } from "./planting.ts";
import { CRATES, circleFault, circlesOf, readCrate } from "./rust-circles.ts";
import { bin, type Ran, ROOT, run } from "./shell.ts";

const FOLDERS = ["kernel", "domains", "core", "daemon", "sdk", "cli", "lab", "bench", "transcripts", "sim", "tools"];

const CHECKS: readonly { readonly name: string; readonly judge: () => Ran }[] = [
  { name: "format and lint", judge: () => run(bin("biome"), ["check", "--error-on-warnings", "--max-diagnostics=40"]) },
  { name: "types of the tests", judge: () => run(bin("tsc"), ["-p", "tsconfig.tests.json", "--pretty", "false"]) },
  { name: "boundaries", judge: boundaries },
  { name: "exports", judge: exports },
  { name: "planted violations", judge: plants },
  { name: "generated files", judge: () => run(process.execPath, ["build/tools/generate.js", "--check"]) },
  { name: "Rust circles", judge: rustCircles },
  { name: "line length", judge: lineLength },
  { name: "attack list", judge: attacks },
  { name: "Rust format", judge: () => each(["engine", "lab/native"], ["fmt", "--all", "--check"]) },
  {
    name: "Rust lint",
    judge: () => each(["engine", "lab/native"], ["clippy", "--locked", "--quiet", "--all-targets", "--", "-D", "warnings"]),
  },
];

function boundaries(): Ran {
  const ran = run(bin("depcruise"), ["--config", ".dependency-cruiser.cjs", "--output-type", "json", ...FOLDERS]);
  if (!ran.output.includes('"summary"')) return { ok: false, output: ran.output };
  const { summary } = JSON.parse(ran.output.slice(ran.output.indexOf("{"))) as {
    summary: { totalCruised: number; violations: { rule: { name: string }; from: string; to: string }[] };
  };
  const sources = FOLDERS.reduce((sum, folder) => sum + countSources(join(ROOT, folder)), 0);
  const lines = summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`);
  if (summary.totalCruised < sources)
    lines.push(`dependency-cruiser saw too few modules: ${summary.totalCruised} of at least ${sources}`);
  return { ok: lines.length === 0, output: lines.length === 0 ? `${summary.totalCruised} modules` : lines.join("\n") };
}

function exports(): Ran {
  const files = readSources(ROOT, FOLDERS);
  const faults = exportFaults(files, KEPT);
  const advice = [
    "  why: an export is for other files of the product; tests do not count",
    "  do:  remove `export`, delete dead code, or test it through a function that the product calls",
  ];
  return { ok: faults.length === 0, output: faults.length === 0 ? `${files.size} files` : [...faults, ...advice].join("\n") };
}

function countSources(folder: string): number {
  return readdirSync(folder, { withFileTypes: true, recursive: true }).filter(
    (entry) => entry.isFile() && entry.name.endsWith(".ts") && !entry.parentPath.includes("/native"),
  ).length;
}

/** Generated files are as long as their sources make them. */
function lineLength(): Ran {
  const { ok, output } = run("git", ["ls-files", "*.ts", "*.mjs", "*.cjs", "*.rs", "*.md"]);
  if (!ok) return { ok, output };
  const files = output
    .split("\n")
    .filter((file) => file !== "" && !/\.generated\.ts$|^docs\/(?:reference\/|performance|comparison)/.test(file));
  const lines = files.flatMap((file) => {
    const long = longLines(file, readFileSync(join(ROOT, file), "utf8"));
    return long.map(({ line, length }) => `${file}:${line} has ${length} columns, and ${COLUMNS_MAX} are the most`);
  });
  return { ok: lines.length === 0, output: lines.length === 0 ? `${files.length} files` : lines.join("\n") };
}

function attacks(): Ran {
  const { ok, output } = run("git", ["ls-files", "*.rs", "*.test.ts"]);
  if (!ok) return { ok, output };
  const tests = output.split("\n").filter((file) => file !== "" && file !== "tools/attacks.test.ts");
  const files = new Map(tests.map((file) => [file, readFileSync(join(ROOT, file), "utf8")]));
  const faults = attackFaults(readFileSync(join(ROOT, "docs", "spec", "attacks.md"), "utf8"), files);
  const advice = ["  do:  correct the last column of docs/spec/attacks.md, or the name of the test"];
  return { ok: faults.length === 0, output: faults.length === 0 ? `${files.size} files` : [...faults, ...advice].join("\n") };
}

function rustCircles(): Ran {
  const faults = CRATES.flatMap((crate) => circlesOf(readCrate(join(ROOT, crate))).map((circle) => circleFault(crate, circle)));
  return { ok: faults.length === 0, output: faults.length === 0 ? `${CRATES.length} crates` : faults.join("\n") };
}

function plants(): Ran {
  const { planted, missed } = plant();
  return { ok: missed.length === 0, output: missed.length === 0 ? `${planted} planted, all reported` : missed.join("\n") };
}

function each(workspaces: readonly string[], args: readonly string[]): Ran {
  const runs = workspaces.map((workspace) => run("cargo", args, join(ROOT, workspace)));
  return { ok: runs.every(({ ok }) => ok), output: runs.map(({ output }) => output).join("") };
}

function main(): void {
  let failed = 0;
  for (const { name, judge } of CHECKS) {
    const began = performance.now();
    const { ok, output } = judge();
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const note = ok && output.length < 80 ? output.trim() : "";
    process.stdout.write(`${ok ? "ok  " : "FAIL"} ${name.padEnd(20)} ${seconds.padStart(5)} s  ${note}\n`);
    if (ok) continue;
    failed += 1;
    process.stdout.write(`${output.trimEnd()}\n`);
  }
  process.stdout.write(`${CHECKS.length - failed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}

main();
