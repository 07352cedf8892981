import type { Guard } from "#domains/session/classify";
import { GUARDS } from "#domains/session/classify";
import type { OccurrenceType } from "#domains/session/event";
import type { Row } from "#domains/session/row";
import { diagram, TABLE } from "#domains/session/table";
import { STATES, type StateName } from "#kernel/contract/state";
import { code, codes, type Page, page, table } from "./markdown.ts";

const ROWS: readonly Row[] = TABLE;
const LIVE: readonly StateName[] = STATES.filter((state) => state !== "TERMINATED");

/** The whole transition table, and one diagram per role drawn from the same rows. */
export function transitions(): Page {
  const head = ["state", "role", "event", "guard", "next", "reason", "actions", "case", "row"];
  const moving = ROWS.filter((row) => row.to.length > 0);
  const staying = ROWS.filter((row) => row.to.length === 0);
  return page("transitions.md", "domains/session/table.ts", "Transitions", [
    "What a session does on every event, in both roles. For each state, role, event and guard there is exactly one row; the types and a test see to that.",
    "`$cause` stands for the reason that the event itself carries, `$denial` for the reason of the limit that refused. A chain such as VOLATILE → RECOVERING is two transitions, each with its own version and its own `SessionStateChange`. *Case* names the case of the failure matrix; `life` is the ordinary life of a session, `order` a rule of judging, `isolation` the isolation of failures.",
    "## Client",
    mermaid("client"),
    "## Gateway",
    mermaid("gateway"),
    "## Rows that change the state",
    table(head, moving.map(cells)),
    "## Rows that keep the state",
    "A reason here is the one with which the event is refused: a `Diagnostic` is recorded, nothing else happens.",
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

/** One for each hop, or one for all where they are the same. */
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

/** An event with but one guard needs none to tell its rows apart. */
function guards(row: Row): string {
  if (row.when === "any") return "any";
  const named: readonly Guard[] = row.when;
  return named.length === 1 && named[0] === "always" ? "–" : named.join(", ");
}
