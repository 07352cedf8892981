import type { Guard } from "#domains/session/classify";
import { GUARDS } from "#domains/session/classify";
import type { OccurrenceType } from "#domains/session/event";
import type { Row } from "#domains/session/row";
import { diagram, TABLE } from "#domains/session/table";
import { STATES, type StateName } from "#kernel/contract/state";
import { code, codes, type Page, page, table } from "./markdown.ts";

const ROWS: readonly Row[] = TABLE;
const LIVE: readonly StateName[] = STATES.filter((state) => state !== "TERMINATED");

/** The transition table, and one diagram per role from the same rows. */
export function transitions(): Page {
  const head = ["state", "role", "event", "guard", "next", "reason", "actions", "case", "row"];
  const moving = ROWS.filter((row) => row.to.length > 0);
  const staying = ROWS.filter((row) => row.to.length === 0);
  return page("transitions.md", "domains/session/table.ts", "Transitions", [
    "The table defines what a session does on every event, in both roles. Each combination of state, role, event and guard has exactly one row; the types and a test check this.",
    "`$cause` stands for the reason in the event, `$denial` for the reason of the limit that refused. A chain such as VOLATILE → RECOVERING consists of two transitions, each with its own version and its own `SessionStateChange`. *Case* is the case of the failure matrix; `life` is the ordinary life of a session, `order` a rule for the order of decisions, `isolation` the isolation of failures.",
    "## Client",
    mermaid("client"),
    "## Gateway",
    mermaid("gateway"),
    "## Rows that change the state",
    table(head, moving.map(cells)),
    "## Rows that keep the state",
    "A reason in these rows is the reason of a refusal: the event is only recorded as a `Diagnostic`.",
    table(head, staying.map(cells)),
  ]);
}

function mermaid(role: "client" | "gateway"): string {
  return `\`\`\`mermaid\n${diagram(role)}\n\`\`\``;
}

function cells(row: Row): string[] {
  return [
    states(row.from),
    row.role,
    eventsOf(row.on),
    guards(row),
    row.to.length === 0 ? "same" : row.to.map((hop) => hop.to).join(" → "),
    codes(reasonsOf(row)),
    codes(row.does),
    row.case,
    code(row.id),
  ];
}

/** One reason for each hop, or a single one if all are the same. */
function reasonsOf(row: Row): readonly string[] {
  if (row.to.length === 0) return row.refuses === undefined ? [] : [row.refuses];
  const reasons = row.to.map((hop) => hop.because);
  return new Set(reasons).size === 1 ? reasons.slice(0, 1) : reasons;
}

function states(from: readonly StateName[]): string {
  return LIVE.every((state) => from.includes(state)) ? "every live state" : from.join(", ");
}

function eventsOf(on: readonly OccurrenceType[]): string {
  return on.length === Object.keys(GUARDS).length ? "every event" : on.join(", ");
}

/** A dash for an event with only one guard. */
function guards(row: Row): string {
  if (row.when === "any") return "any";
  const named: readonly Guard[] = row.when;
  return named.length === 1 && named[0] === "always" ? "–" : named.join(", ");
}
