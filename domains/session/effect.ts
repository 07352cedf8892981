import type { EventType, Numbers } from "#kernel/contract/event";
import type { Reason } from "#kernel/contract/reason";
import type { PathId, StateName } from "#kernel/contract/state";
import type { Millis } from "#kernel/time";
import type { Session } from "./model.ts";

/** Effects of a step, as data. The core makes commands and bookkeeping of them. */
export type SessionEffect =
  | { readonly type: "Accept" }
  | { readonly type: "Refuse"; readonly reason: Reason }
  /** Client: request the confirmation of the handshake again. */
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
  /**
   * The path becomes active. `left` = the active path until then, or `null`. `jump` is absent if the path is the same.
   */
  | { readonly type: "Bind"; readonly path: PathId; readonly left: PathId | null; readonly jump?: Jump }
  /** The session entered RECOVERING: counts against the recovery budget. */
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
