import { REASONS } from "#kernel/contract/reason";
import { code, type Page, page, table } from "./markdown.ts";

/** Every reason code in alphabetical order. */
export function reasons(): Page {
  const rows = Object.entries(REASONS).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return page("reasons.md", "kernel/contract/reason.ts", "Reasons", [
    "Every transition, denial and end carries one of these codes. The meaning of a code never changes; its text may be improved.",
    table(
      ["code", "meaning"],
      rows.map(([reason, text]) => [code(reason), text]),
    ),
  ]);
}
