import type { Reason } from "#kernel/contract/reason";
import type { Role, StateName } from "#kernel/contract/state";
import type { Guard } from "./classify.ts";
import type { OccurrenceType } from "./event.ts";

/** Cases of the failure matrix that a row serves; `life` = the ordinary life of a session, `order` = the rules of judging. */
type MatrixCase = "life" | "order" | "1.1" | "1.2" | "2.1" | "2.2" | "3" | "4" | "5" | "6" | "7" | "8" | "isolation";

/** `$cause` = the event's own reason, `$denial` = the reason of the verdict that refused. */
export type ReasonSource = Reason | "$cause" | "$denial";

interface Hop {
  readonly to: StateName;
  readonly because: ReasonSource;
}

/** What a row does besides its transitions. Each is one small function in `actions.ts`. */
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
  /** The chain, in order; empty = the state stays. */
  readonly to: readonly Hop[];
  readonly does: readonly Action[];
  /** Why nothing happens, for rows that refuse. */
  readonly refuses?: Reason;
}
