import { existsSync } from "node:fs";
import { join } from "node:path";

/** Returns one line for each program that is not on the PATH. The line says how to install it. */
export function missingPrograms(wanted: readonly { readonly command: string; readonly package: string }[]): readonly string[] {
  const folders = (process.env.PATH ?? "").split(":");
  return wanted
    .filter(({ command }) => !folders.some((folder) => existsSync(join(folder, command))))
    .map((program) => `missing: ${program.command} (apt-get install ${program.package})`);
}
