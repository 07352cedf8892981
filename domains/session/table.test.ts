import { describe, expect, test } from "vitest";
import { REASONS } from "#kernel/contract/reason";
import { type Role, STATES, type StateName } from "#kernel/contract/state";
import { GUARDS, type Guard } from "./classify.ts";
import type { OccurrenceType } from "./event.ts";
import type { Row } from "./row.ts";
import { diagram, TABLE } from "./table.ts";

const ROLES = ["client", "gateway"] as const;
const EVENTS = Object.keys(GUARDS) as OccurrenceType[];
const ROWS: readonly Row[] = TABLE;

/** I10: all edges of the mission's life cycle. */
const EDGES = new Set([
  "BIRTH→ATTACHED",
  "ATTACHED→VOLATILE",
  "VOLATILE→RECOVERING",
  "VOLATILE→DEGRADED",
  "DEGRADED→RECOVERING",
  "RECOVERING→ATTACHED",
  "RECOVERING→DEGRADED",
  "BIRTH→TERMINATED",
  "ATTACHED→TERMINATED",
  "VOLATILE→TERMINATED",
  "DEGRADED→TERMINATED",
  "RECOVERING→TERMINATED",
]);

describe("the table", () => {
  test("has exactly one row for every state, role, event and guard", () => {
    const wrong: string[] = [];
    for (const state of STATES)
      for (const role of ROLES)
        for (const event of EVENTS)
          for (const guard of GUARDS[event]) {
            const rows = rowsFor(state, role, event, guard);
            if (rows.length !== 1)
              wrong.push(`${state} ${role} ${event} ${guard}: ${rows.map((row) => row.id).join(", ") || "none"}`);
          }
    expect(wrong).toEqual([]);
  });

  test("I10: its chains use only the edges that exist, and at most four", () => {
    for (const row of ROWS)
      for (const from of row.from) {
        const states = [from, ...row.to.map((hop) => hop.to)];
        const edges = states.slice(1).map((to, at) => `${states[at]}→${to}`);
        expect(
          edges.filter((edge) => !EDGES.has(edge)),
          row.id,
        ).toEqual([]);
        expect(edges.length, row.id).toBeLessThanOrEqual(4);
      }
  });

  test("I7: nothing leaves TERMINATED", () => {
    expect(ROWS.filter((row) => row.from.includes("TERMINATED") && row.to.length > 0)).toEqual([]);
  });

  test("rows have unique ids and registered reasons, and refusing rows have a reason", () => {
    expect(new Set(ROWS.map((row) => row.id)).size).toBe(ROWS.length);
    const reasons = ROWS.flatMap((row) => row.to.map((hop) => hop.because)).filter((because) => !because.startsWith("$"));
    expect(reasons.filter((reason) => !Object.hasOwn(REASONS, reason))).toEqual([]);
    expect(ROWS.filter((row) => row.does.includes("diagnose") && row.refuses === undefined)).toEqual([]);
  });

  test("every case of the failure matrix has a row", () => {
    const served = new Set(ROWS.map((row) => row.case));
    expect(["1.1", "1.2", "2.1", "2.2", "3", "4", "5", "6", "7", "8"].filter((id) => !served.has(id as Row["case"]))).toEqual([]);
  });

  test("the diagram shows each edge of a role once", () => {
    const lines = diagram("client")
      .split("\n")
      .filter((line) => line.includes("-->"));
    expect(lines.length).toBe(EDGES.size + 1);
    expect(diagram("gateway")).toContain("RECOVERING --> ATTACHED: peer_reattach");
  });
});

function rowsFor(state: StateName, role: Role, event: OccurrenceType, guard: Guard): readonly Row[] {
  return ROWS.filter(
    (row) =>
      row.from.includes(state) &&
      (row.role === "both" || row.role === role) &&
      row.on.includes(event) &&
      (row.when === "any" || row.when.includes(guard)),
  );
}
