import { spawn } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Mutant } from "./table.ts";

/** A mistake may make a test run for ever; this counts as found. */
const RUN_MS_MAX = 240_000;
/** The first build of a checkout compiles everything. */
const BUILD_MS_MAX = 1_200_000;
/** What the tests of the engine read beside its own folder. */
const BESIDE = ["vectors", "kernel", "docs"];

/** How a mistake fared. `broken`: it does not compile, which is a fault of the table. */
type Fate = "killed" | "survived" | "broken";

/**
 * A copy of the engine in which mistakes are planted, one after another. It has a folder of builds of its own: cargo
 * takes two copies of a workspace for the same one, and would run tests with a mistake in them for those without.
 */
export class Workshop {
  readonly #root: string;
  readonly #at: string;

  constructor(root: string) {
    this.#root = root;
    this.#at = join(root, "build", "mutants");
    rmSync(this.#at, { recursive: true, force: true });
    mkdirSync(this.#at, { recursive: true });
    const target = join(root, "engine", "target");
    cpSync(join(root, "engine"), join(this.#at, "engine"), { recursive: true, filter: (path) => path !== target });
    for (const name of BESIDE) symlinkSync(join(root, name), join(this.#at, name));
  }

  /** Plants the mistake and runs the tests: first where it should be found, then all of its crate. */
  async fate(mutant: Mutant): Promise<{ readonly fate: Fate; readonly elsewhere: boolean }> {
    const file = join(this.#at, "engine", mutant.file);
    const whole = readFileSync(file, "utf8");
    writeFileSync(file, patched(whole, mutant));
    try {
      const { crate, program, filter } = mutant.by;
      const named = ["-p", crate, ...(program === "lib" ? ["--lib"] : ["--test", program])];
      if (!(await this.#cargo(["test", ...named, "--no-run"], BUILD_MS_MAX))) return { fate: "broken", elsewhere: false };
      if (!(await this.#cargo(["test", ...named, filter]))) return { fate: "killed", elsewhere: false };
      return { fate: (await this.#cargo(["test", "-p", crate])) ? "survived" : "killed", elsewhere: true };
    } finally {
      writeFileSync(file, whole);
    }
  }

  remove(): void {
    rmSync(this.#at, { recursive: true, force: true });
  }

  #cargo(args: readonly string[], msMax = RUN_MS_MAX): Promise<boolean> {
    const env = { ...process.env, CARGO_TARGET_DIR: join(this.#root, "engine", "target", "mutants"), RUST_BACKTRACE: "0" };
    const words = [...args.filter((word) => word !== ""), "--quiet", "--locked"];
    const child = spawn("cargo", words, { cwd: join(this.#at, "engine"), env, stdio: "ignore", detached: true });
    // The whole group ends: the test program is a child of cargo.
    const timer = setTimeout(() => child.pid !== undefined && process.kill(-child.pid, "SIGKILL"), msMax);
    return new Promise((done) => {
      child.on("error", () => done(false));
      child.on("close", (code) => {
        clearTimeout(timer);
        done(code === 0);
      });
    });
  }
}

/** Throws if a patch does not match its file exactly once, because then its row is out of date. */
export function requireUpToDate(mutants: readonly Mutant[], root: string): void {
  for (const mutant of mutants) patched(readFileSync(join(root, "engine", mutant.file), "utf8"), mutant);
}

function patched(text: string, { name, file, find, replace }: Mutant): string {
  const found = text.split(find).length - 1;
  if (found !== 1) throw new Error(`mutant "${name}": its patch matches ${found} times in ${file}, not once`);
  return text.replace(find, () => replace);
}
