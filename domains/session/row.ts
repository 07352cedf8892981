import type { Reason } from "#kernel/contract/reason";
import type { Role, StateName } from "#kernel/contract/state";
import type { Guard } from "./classify.ts";
import type { OccurrenceType } from "./event.ts";

/** The case of the failure matrix of a row; `life` = normal operation, `order` = rules of the order of judging. */
type MatrixCase = "life" | "order" | "1.1" | "1.2" | "2.1" | "2.2" | "3" | "4" | "5" | "6" | "7" | "8" | "isolation";

/** A fixed reason, or where to find it: `$cause` = the event's own reason, `$denial` = the reason of the denial. */
export type ReasonSource = Reason | "$cause" | "$denial";

interface Hop {
  readonly to: StateName;
  readonly because: ReasonSource;
}

/** What a row does besides its transitions. Each action is a small function in `actions.ts`. */
export type Action =
  | "lose_active"
  | "count_cause"
  | "abort"
  | "attach"
  | "bind"
  | "answer_bind"
  | "answer_deny"
  | "deny"
  | "clear_wait"
  | "request_switch"
  | "accept"
  | "refuse"
  | "confirm"
  | "close"
  | "forget"
  | "release"
  | "diagnose"
  | "alarm";

export interface Row {
  readonly id: string;
  readonly case: MatrixCase;
  readonly from: readonly StateName[];
  readonly role: Role | "both";
  readonly on: readonly OccurrenceType[];
  readonly when: readonly Guard[] | "any";
  /** The chain of transitions, in order; empty = the state stays. */
  readonly to: readonly Hop[];
  readonly does: readonly Action[];
  /** The reason of a row that refuses its event. */
  readonly refuses?: Reason;
}
