import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "#lab/paths";

/** Raw data that is kept with the product. */
export const DATA = join(ROOT, "bench", "data");

/** A result that was kept, and the file's name. */
export interface Kept<T> {
  readonly file: string;
  readonly result: T;
}

/** All kept results whose file begins with `prefix`, by name. They are our own files: their shape is trusted. */
export function kept<T>(prefix: string): readonly Kept<T>[] {
  if (!existsSync(DATA)) return [];
  const files = readdirSync(DATA).filter((file) => file.startsWith(prefix) && file.endsWith(".json"));
  return files.sort().map((file) => ({ file, result: JSON.parse(readFileSync(join(DATA, file), "utf8")) as T }));
}
