/**
 * Planted violations: each breaks one rule of the house and must be reported by that rule's own name. They live in a copy of the
 * sources, so that an interrupted check leaves nothing behind.
 */
import { cpSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { bin, ROOT, run } from "./shell.ts";

interface Plant {
  /** What is violated, as a person would say it. */
  readonly rule: string;
  readonly file: string;
  readonly code: string;
  /** The checker that must notice, and the name it must use on the plant's file. */
  readonly by: "types" | "lint" | "boundaries";
  readonly name: string;
}

const PLANTS: readonly Plant[] = [
  {
    rule: "no timers in pure code",
    file: "domains/session/plant-timer.ts",
    code: "setTimeout(() => {}, 1);\nexport {};\n",
    by: "types",
    name: "TS2304",
  },
  {
    rule: "no process in pure code",
    file: "domains/session/plant-process.ts",
    code: "export const home = process.env;\n",
    by: "types",
    name: "TS2591",
  },
  {
    rule: "no console in pure code",
    file: "domains/session/plant-console.ts",
    code: 'console.log("x");\nexport {};\n',
    by: "types",
    name: "TS2584",
  },
  {
    rule: "no node modules in pure code",
    file: "domains/session/plant-node.ts",
    code: 'import "node:fs";\n',
    by: "types",
    name: "TS2882|TS2307|TS2591",
  },
  {
    rule: "no peer domain, not even its types",
    file: "domains/session/plant-peer.ts",
    code: 'export type { Policy } from "#domains/policy/model";\n',
    by: "types",
    name: "TS6307",
  },
  {
    rule: "no peer domain by a relative path",
    file: "domains/session/plant-relative.ts",
    code: 'export type { Transport } from "../transport/model.ts";\n',
    by: "types",
    name: "TS6307",
  },
  {
    rule: "a proof is minted, never made",
    file: "domains/session/plant-proof.ts",
    code: 'import { Proof } from "#kernel/contract/proof";\nexport const forged = new Proof();\n',
    by: "types",
    name: "TS2673",
  },
  {
    rule: "no clock in pure code",
    file: "domains/session/plant-clock.ts",
    code: "export const at = Date.now();\n",
    by: "lint",
    name: "no-ambient-world",
  },
  {
    rule: "no randomness in pure code",
    file: "core/plant-random.ts",
    code: "export const dice = Math.random();\n",
    by: "lint",
    name: "no-ambient-world",
  },
  {
    rule: "domains never import each other",
    file: "domains/cluster/plant-peer.ts",
    code: 'import type { Policy } from "#domains/policy/model";\nexport type P = Policy;\n',
    by: "boundaries",
    name: "no-peer-domain",
  },
  {
    rule: "the kernel is the bottom",
    file: "kernel/plant-up.ts",
    code: 'import type { Input } from "#core/contract";\nexport type I = Input;\n',
    by: "boundaries",
    name: "kernel-is-the-bottom",
  },
  {
    rule: "core does not see the shell",
    file: "core/plant-shell.ts",
    code: 'import "#daemon/main";\n',
    by: "boundaries",
    name: "core-sees-only-domains-and-kernel",
  },
  {
    rule: "pure code has no packages",
    file: "domains/policy/plant-package.ts",
    code: 'import { z } from "zod";\nexport const s = z.string();\n',
    by: "boundaries",
    name: "pure-code-has-no-packages",
  },
  {
    rule: "the CLI goes through the SDK",
    file: "cli/plant-core.ts",
    code: 'import type { Input } from "#core/contract";\nexport type I = Input;\n',
    by: "boundaries",
    name: "cli-goes-through-the-sdk",
  },
  {
    rule: "one importer of the engine",
    file: "daemon/plant-engine.ts",
    code: 'import "../build/engine.node";\n',
    by: "boundaries",
    name: "one-importer-of-the-engine",
  },
  {
    rule: "nothing imports the workshop",
    file: "daemon/plant-lab.ts",
    code: 'import "#lab/main";\n',
    by: "boundaries",
    name: "nothing-imports-the-workshop",
  },
  {
    rule: "no import cycles",
    file: "core/plant-circle.ts",
    code: 'import "./plant-circle-back.ts";\n',
    by: "boundaries",
    name: "no-circular",
  },
  { rule: "no orphans", file: "core/plant-orphan.ts", code: "export const alone = 1;\n", by: "boundaries", name: "no-orphans" },
];

const COMPANIONS: Readonly<Record<string, string>> = { "core/plant-circle-back.ts": 'import "./plant-circle.ts";\n' };

/** Plants every violation in a copy and returns the ones that were *not* reported as they must; empty = all rules hold. */
export function plant(): { planted: number; missed: readonly string[] } {
  const copy = join(ROOT, "build", "plants");
  rmSync(copy, { recursive: true, force: true });
  copySources(copy);
  for (const { file, code } of PLANTS) write(copy, file, code);
  for (const [file, code] of Object.entries(COMPANIONS)) write(copy, file, code);

  const tsc = () => run(bin("tsc"), ["-b", "domains/session", "--pretty", "false"], copy).output;
  const withoutBuild = tsc();
  run(bin("tsc"), ["-b", "domains/transport"], copy);
  const reports = {
    types: [withoutBuild, tsc()],
    lint: [
      run(
        bin("biome"),
        ["lint", "--vcs-enabled=false", "--reporter=github", "--max-diagnostics=none", "kernel", "domains", "core"],
        copy,
      ).output,
    ],
    boundaries: [
      run(bin("depcruise"), ["--config", ".dependency-cruiser.cjs", "--output-type", "err", ...folders(copy)], copy).output,
    ],
  };
  const missed = PLANTS.filter(({ by, file, name }) => !reports[by].every((report) => isNamed(report, file, name)));
  rmSync(copy, { recursive: true, force: true });
  return { planted: PLANTS.length, missed: missed.map(({ rule, file, name }) => `${rule}: ${file} was not reported as ${name}`) };
}

function isNamed(report: string, file: string, name: string): boolean {
  const names = name.split("|");
  // A cycle is told over several lines, of which the first may name either file.
  const lines = report.replaceAll(/ →\s*\n\s+/g, " → ").split("\n");
  return lines.some((line) => line.includes(file) && names.some((n) => line.includes(n)));
}

const SOURCES = ["kernel", "domains", "core", "daemon", "sdk", "cli", "lab", "bench"];

function folders(copy: string): string[] {
  return SOURCES.filter((folder) => readdirSync(copy).includes(folder));
}

function copySources(copy: string): void {
  mkdirSync(copy, { recursive: true });
  for (const folder of SOURCES) {
    cpSync(join(ROOT, folder), join(copy, folder), {
      recursive: true,
      filter: (path) => !path.includes("/native") && !path.endsWith(".test.ts"),
    });
  }
  for (const file of ["package.json", "biome.json", ".dependency-cruiser.cjs", "tsconfig.pure.json", "tsconfig.shell.json"]) {
    cpSync(join(ROOT, file), join(copy, file));
  }
  cpSync(join(ROOT, "tools", "lint"), join(copy, "tools", "lint"), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
}

function write(copy: string, file: string, code: string): void {
  mkdirSync(dirname(join(copy, file)), { recursive: true });
  writeFileSync(join(copy, file), code);
}
