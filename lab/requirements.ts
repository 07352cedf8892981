import { existsSync } from "node:fs";
import { join } from "node:path";

/** Programs that are not on the path, each in one line that says how to get it. */
export function missingPrograms(wanted: readonly { readonly command: string; readonly package: string }[]): readonly string[] {
  const folders = (process.env.PATH ?? "").split(":");
  return wanted
    .filter(({ command }) => !folders.some((folder) => existsSync(join(folder, command))))
    .map((program) => `missing: ${program.command} (apt-get install ${program.package})`);
}
