import { join } from "node:path";
import { ROOT } from "#lab/paths";

/** Raw data that is kept with the product. */
export const DATA = join(ROOT, "bench", "data");

export function writeReport(): readonly string[] {
  return [];
}
