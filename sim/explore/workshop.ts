import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Mutant, Patch } from "./mutants.ts";

/** The folders that a scout runs. The rest of the build is not copied. */
const FOLDERS = ["kernel", "domains", "core", "transcripts", "sim"];

/** A copy of the build in which mutants are planted, one after another. */
export class Workshop {
  readonly #build: string;
  readonly #folder: string;

  constructor(build: string) {
    this.#build = build;
    this.#folder = mkdtempSync(join(tmpdir(), "jumping-vpn-explore-"));
    const imports = Object.fromEntries(FOLDERS.map((name) => [`#${name}/*`, `./build/${name}/*.js`]));
    writeFileSync(join(this.#folder, "package.json"), JSON.stringify({ type: "module", imports }));
    for (const name of FOLDERS) cpSync(join(build, name), join(this.#folder, "build", name), { recursive: true });
  }

  /** Path of the scout script in this copy. */
  get scout(): string {
    return join(this.#folder, "build", "sim", "explore", "scout.js");
  }

  /** Plants the mutant. */
  make({ name, patches }: Mutant): void {
    const build = join(this.#folder, "build");
    for (const patch of patches) writeFileSync(join(build, patch.file), patched(build, name, patch));
  }

  /** Removes the mutant. */
  undo({ patches }: Mutant): void {
    for (const { file } of patches) writeFileSync(join(this.#folder, "build", file), readFileSync(join(this.#build, file)));
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Throws if a patch does not match the build exactly once, because then its mutant is out of date. */
export function requireUpToDate(mutants: readonly Mutant[], build: string): void {
  for (const { name, patches } of mutants) for (const patch of patches) patched(build, name, patch);
}

function patched(build: string, name: string, { file, find, replace }: Patch): string {
  const source = readFileSync(join(build, file), "utf8");
  const found = source.split(find).length - 1;
  if (found !== 1) throw new Error(`mutant "${name}": its patch matches ${found} times in ${file}, not once`);
  return source.replace(find, () => replace);
}
