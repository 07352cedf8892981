import type { Role, StateName } from "#kernel/contract/state";
import { STATES } from "#kernel/contract/state";
import type { Guard, GuardOf } from "./classify.ts";
import { GUARDS } from "./classify.ts";
import type { OccurrenceType } from "./event.ts";
import type { Row } from "./row.ts";
import { ATTACHED_ROWS } from "./rows/attached.ts";
import { BIRTH_ROWS } from "./rows/birth.ts";
import { DEGRADED_ROWS } from "./rows/degraded.ts";
import { LIVE_ROWS } from "./rows/live.ts";
import { RECOVERING_ROWS } from "./rows/recovering.ts";
import { TERMINATED_ROWS } from "./rows/terminated.ts";
import { VOLATILE_ROWS } from "./rows/volatile.ts";

/** All transitions of a session. The rest of this domain interprets it. */
export const TABLE = [
  ...BIRTH_ROWS,
  ...ATTACHED_ROWS,
  ...VOLATILE_ROWS,
  ...DEGRADED_ROWS,
  ...RECOVERING_ROWS,
  ...TERMINATED_ROWS,
  ...LIVE_ROWS,
] as const;

type RolesOf<R> = R extends "both" ? Role : R & Role;
type Cases<F, R, E> = E extends OccurrenceType ? `${F & StateName}:${RolesOf<R>}:${E}` : never;
type Guarded<F, R, E, W> = E extends OccurrenceType
  ? `${F & StateName}:${RolesOf<R>}:${E}:${W extends "any" ? GuardOf<E> : W extends readonly (infer G)[] ? G & Guard : never}`
  : never;
type Covered<T> = T extends { from: readonly (infer F)[]; role: infer R; on: readonly (infer E)[]; when: infer W }
  ? Guarded<F, R, E, W>
  : never;
type Everything = { [E in OccurrenceType]: `${Cases<StateName, "both", E>}:${GuardOf<E>}` }[OccurrenceType];
type Nothing<T extends never> = T;

/** Does not compile if a (state, role, event, guard) has no row; the error names the missing cases. */
export type EveryCaseHasARow = Nothing<Exclude<Everything, Covered<(typeof TABLE)[number]>>>;

const key = (state: StateName, role: Role, event: OccurrenceType, guard: Guard): string => `${state}:${role}:${event}:${guard}`;

const INDEX: ReadonlyMap<string, Row> = index(TABLE);

/** The row of a case. */
export function rowFor(state: StateName, role: Role, event: OccurrenceType, guard: Guard): Row | undefined {
  return INDEX.get(key(state, role, event, guard));
}

function index(rows: readonly Row[]): ReadonlyMap<string, Row> {
  const found = new Map<string, Row>();
  for (const row of rows)
    for (const state of row.from)
      for (const role of rolesOf(row))
        for (const event of row.on) for (const guard of guardsOf(row, event)) found.set(key(state, role, event, guard), row);
  return found;
}

function rolesOf(row: Row): readonly Role[] {
  return row.role === "both" ? ["client", "gateway"] : [row.role];
}

function guardsOf(row: Row, event: OccurrenceType): readonly Guard[] {
  const possible: readonly Guard[] = GUARDS[event];
  return row.when === "any" ? possible : row.when.filter((guard) => possible.includes(guard));
}

/** The transitions of one role as a Mermaid state diagram. */
export function diagram(role: Role): string {
  const edges = new Map<string, Set<string>>();
  for (const row of TABLE as readonly Row[]) {
    if (!rolesOf(row).includes(role)) continue;
    for (const from of row.from) {
      let at: StateName = from;
      for (const hop of row.to) {
        const label = hop.because.startsWith("$") ? row.on.join(", ") : hop.because;
        const edge = `${at} --> ${hop.to}`;
        edges.set(edge, (edges.get(edge) ?? new Set()).add(label));
        at = hop.to;
      }
    }
  }
  const rank = (edge: string): number => STATES.findIndex((state) => edge.startsWith(`${state} `));
  const lines = [...edges].sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1));
  return [
    "stateDiagram-v2",
    "  [*] --> BIRTH",
    ...lines.map(([edge, labels]) => `  ${edge}: ${[...labels].sort().join("\\n")}`),
  ].join("\n");
}
