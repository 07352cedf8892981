/**
 * Plants violations. Each breaks one rule and must be reported under the name of that rule. They are written into a
 * copy of the sources, so that an interrupted check does not change the sources.
 */
import { appendFileSync, cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { exportFaults, KEPT, readSources } from "./exports.ts";
import { COMPANIONS, PLANTS, type Plant } from "./plants.ts";
import { circleFault, circlesOf, readCrate } from "./rust-circles.ts";
import { bin, ROOT, run } from "./shell.ts";

const SOURCES = ["kernel", "domains", "core", "daemon", "sdk", "cli", "lab", "bench"];

/** Plants all violations. Returns those that were *not* reported under their name; empty = every rule is enforced. */
export function plant(): { planted: number; missed: readonly string[] } {
  const copy = join(ROOT, "build", "plants");
  rmSync(copy, { recursive: true, force: true });
  copySources(copy);
  for (const { file, code } of PLANTS) write(copy, file, code);
  for (const [file, code] of Object.entries(COMPANIONS)) write(copy, file, code);
  const reports = reportsOn(copy);
  const missed = PLANTS.filter(({ by, file, name }) => !reports[by].every((report) => isNamed(report, file, name)));
  rmSync(copy, { recursive: true, force: true });
  return { planted: PLANTS.length, missed: missed.map(({ rule, file, name }) => `${rule}: ${file} was not reported as ${name}`) };
}

/** The reports of each checker on the copy. If a checker has several reports, each must name the plant. */
function reportsOn(copy: string): Readonly<Record<Plant["by"], readonly string[]>> {
  const tsc = (project: string) => run(bin("tsc"), ["-b", project, "--pretty", "false"], copy).output;
  const withoutBuild = tsc("domains/session");
  tsc("domains/transport");
  const lint = ["lint", "--vcs-enabled=false", "--reporter=github", "--max-diagnostics=none", "kernel", "domains", "core"];
  const cruise = ["--config", ".dependency-cruiser.cjs", "--output-type", "err", ...SOURCES];
  return {
    types: [withoutBuild, tsc("domains/session")],
    "types of core": [tsc("core")],
    lint: [run(bin("biome"), lint, copy).output],
    boundaries: [run(bin("depcruise"), cruise, copy).output],
    exports: [exportFaults(readSources(copy, SOURCES), KEPT).join("\n")],
    "Rust circles": [rustCircles(copy, "engine/crowd")],
    cargo: [cargoCheck(copy)],
  };
}

/** One line for each file of a circle; the line shows the whole circle. */
function rustCircles(copy: string, crate: string): string {
  const circles = circlesOf(readCrate(join(copy, crate)));
  return circles
    .flatMap((circle) => circle.files.map((file) => `${crate}/${file}: ${circleFault(crate, circle).replaceAll("\n", " ")}`))
    .join("\n");
}

/** Uses the target folder of the real engine, because the protocol's dependencies are already compiled there. */
function cargoCheck(copy: string): string {
  const args = ["check", "--locked", "--quiet", "--message-format=short", "--package", "jvpn-proto"];
  const { output } = run("cargo", [...args, "--target-dir", join(ROOT, "engine", "target")], join(copy, "engine"));
  return output.replaceAll(/^proto\//gm, "engine/proto/");
}

function isNamed(report: string, file: string, name: string): boolean {
  const names = name.split("|");
  // dependency-cruiser writes a cycle in several lines. The first line may name any of its files.
  const lines = report.replaceAll(/ →\s*\n\s+/g, " → ").split("\n");
  return lines.some((line) => line.includes(file) && names.some((n) => line.includes(n)));
}

function copySources(copy: string): void {
  mkdirSync(copy, { recursive: true });
  for (const folder of [...SOURCES, "engine"]) {
    cpSync(join(ROOT, folder), join(copy, folder), {
      recursive: true,
      filter: (path) => !path.includes("/native") && !path.endsWith(".test.ts") && path !== join(ROOT, "engine", "target"),
    });
  }
  for (const file of ["package.json", "biome.json", ".dependency-cruiser.cjs", "tsconfig.pure.json", "tsconfig.shell.json"]) {
    cpSync(join(ROOT, file), join(copy, file));
  }
  cpSync(join(ROOT, "tools", "lint"), join(copy, "tools", "lint"), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
}

/** A Rust file is also declared in the root of its crate; otherwise it would not be compiled. */
function write(copy: string, file: string, code: string): void {
  const path = join(copy, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, code);
  const [, folder, module] = /^(.*)\/(\w+)\.rs$/.exec(path) ?? [];
  if (folder === undefined) return;
  const root = ["lib.rs", "main.rs"].map((name) => join(folder, name)).find((each) => existsSync(each));
  if (root !== undefined) appendFileSync(root, `mod ${module};\n`);
}
