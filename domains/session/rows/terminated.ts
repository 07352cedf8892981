import { GUARDS } from "../classify.ts";
import type { OccurrenceType } from "../event.ts";
import type { Row } from "../row.ts";

const EVERYTHING = Object.keys(GUARDS) as OccurrenceType[];

/** TERMINATED is final: every event is refused. */
// biome-ignore format: a row is read as one line of a table
export const TERMINATED_ROWS = [
  {
    id: "terminated", case: "8", from: ["TERMINATED"], role: "both", on: EVERYTHING, when: "any", to: [], does: ["diagnose"], refuses: "terminal",
  },
] as const satisfies readonly Row[];
