import type { EventType, Numbers } from "#kernel/contract/event";
import type { Reason } from "#kernel/contract/reason";
import type { PathId, StateName } from "#kernel/contract/state";
import type { Millis } from "#kernel/time";
import type { Session } from "./model.ts";

/** What the session wants done. Data: the core turns it into commands and bookkeeping. */
export type SessionEffect =
  | { readonly type: "Accept" }
  | { readonly type: "Refuse"; readonly reason: Reason }
  /** Client: ask for the confirmation of the handshake once more. */
  | { readonly type: "Confirm" }
  | {
      readonly type: "Attach";
      readonly path: PathId;
      readonly bindSeq: number;
      readonly revalidate: boolean;
      readonly reason: Reason;
    }
  | { readonly type: "AbortAttach"; readonly bindSeq: number; readonly restore: PathId | null }
  | {
      readonly type: "AnswerAttach";
      readonly path: PathId;
      readonly bindSeq: number;
      readonly deny: Reason | null;
      readonly retryAfterMs: Millis;
    }
  | { readonly type: "RequestSwitch"; readonly path: PathId; readonly reason: Reason }
  /** The active path of record. `jump` is absent where the path did not change. */
  /** `left`: the active path until then; `null` = there was none. */
  | { readonly type: "Bind"; readonly path: PathId; readonly left: PathId | null; readonly jump?: Jump }
  /** One entry to RECOVERING, for the recovery budget. */
  | { readonly type: "RecordRecovery" }
  | { readonly type: "Close"; readonly reason: Reason }
  | { readonly type: "Forget" };

interface Jump {
  readonly from: PathId | null;
  readonly to: PathId;
  readonly reason: Reason;
  /** Time without an active path; 0 = make before break. */
  readonly withoutPathMs: Millis;
}

/** One audit record with path ids; the core adds time, labels, policy and actor. */
export interface Audit {
  readonly type: EventType;
  readonly version: number;
  readonly from?: StateName;
  readonly to?: StateName;
  readonly reason?: Reason;
  readonly paths?: { readonly old: PathId | null; readonly new: PathId | null };
  readonly numbers?: Numbers;
}

export interface Step {
  readonly next: Session;
  readonly effects: readonly SessionEffect[];
  readonly audit: readonly Audit[];
}
