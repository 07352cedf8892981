import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "#lab/paths";

/** Folder of the raw data that is part of the repository. */
export const DATA = join(ROOT, "bench", "data");

/** A stored result and its file name. */
export interface Kept<T> {
  readonly file: string;
  readonly result: T;
}

/** All stored results whose file name starts with `prefix`, sorted by name. Their format is not checked. */
export function kept<T>(prefix: string): readonly Kept<T>[] {
  if (!existsSync(DATA)) return [];
  const files = readdirSync(DATA).filter((file) => file.startsWith(prefix) && file.endsWith(".json"));
  return files.sort().map((file) => ({ file, result: JSON.parse(readFileSync(join(DATA, file), "utf8")) as T }));
}
