import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

interface Program {
  readonly command: string;
  /** The Debian package that contains it. */
  readonly package: string;
}

/**
 * Installs the programs that are not on the PATH, where that is possible: as root, with apt-get. Returns one line for
 * each that is still missing; it says how to install it.
 */
export function providePrograms(wanted: readonly Program[]): readonly string[] {
  const packages = [...new Set(missing(wanted).map((program) => program.package))];
  if (packages.length > 0 && process.getuid?.() === 0 && onPath("apt-get")) {
    process.stderr.write(`  installing ${packages.join(", ")} …\n`);
    apt(["update"]);
    apt(["install", "--yes", "--no-install-recommends", ...packages]);
  }
  return missing(wanted).map((program) => `missing: ${program.command} (apt-get install ${program.package})`);
}

function missing(wanted: readonly Program[]): readonly Program[] {
  return wanted.filter(({ command }) => !onPath(command));
}

function onPath(command: string): boolean {
  return (process.env.PATH ?? "").split(":").some((folder) => existsSync(join(folder, command)));
}

/** What it prints matters only to somebody who then installs the package by hand, and sees it again. */
function apt(words: readonly string[]): void {
  spawnSync("apt-get", ["-qq", ...words], { stdio: "ignore", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
}
