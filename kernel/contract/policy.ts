import type { Reason } from "#kernel/contract/reason";
import type { PathId, Role, SessionId, StateName } from "#kernel/contract/state";
import type { SendingView, Share } from "#kernel/contract/view";

/**
 * The documents with which a daemon answers about its policy on the control socket. A schema version only ever gains
 * fields.
 */

/** Where the policy in force came from: its file, an operator's apply or rollback, or the program itself. */
export type PolicyOrigin = "file" | "apply" | "rollback" | "built-in";

/** One value that differs between two policies, in readable form. */
export interface PolicyDifference {
  /** Spelt as in the file: `switch.max_per_min`. */
  readonly key: string;
  /** `null` = for all clients; else only for the clients of this group. */
  readonly group: string | null;
  readonly old: string;
  readonly new: string;
  /** What changes for sessions, in words. */
  readonly effect: string;
  /** True: the handshake binds a client to the value, and a running session keeps the old one there until its end. */
  readonly fromNextSession: boolean;
}

/** A version that is or was in force. */
export interface PolicyVersion {
  readonly version: number;
  readonly name: string;
  /** BLAKE2s-256 of the values, 64 hex digits. */
  readonly digest: string;
  readonly origin: PolicyOrigin;
  /** `file`, or the name of the operator. */
  readonly actor: string;
  /** Wall time, ISO 8601 in UTC; for display only. */
  readonly time: string;
  readonly inForce: boolean;
}

/** A policy that somebody offers. */
export interface PolicyText {
  readonly text: string;
  /** The file that it was read from, for error messages. */
  readonly file: string;
}

export interface PolicyDiffDocument {
  readonly schema: "jumping-vpn/policy-diff/v1";
  readonly from: { readonly name: string; readonly version: number; readonly digest: string };
  readonly to: { readonly name: string; readonly digest: string };
  readonly changes: readonly PolicyDifference[];
}

/** The answer to an apply and to a rollback. */
export interface PolicyAppliedDocument {
  readonly schema: "jumping-vpn/policy-apply/v1" | "jumping-vpn/policy-rollback/v1";
  readonly name: string;
  readonly version: number;
  readonly digest: string;
  /** The replaced version. */
  readonly previous: number;
  /** False: the policy in force already has the same values, and keeps its version. */
  readonly changed: boolean;
  readonly changes: readonly PolicyDifference[];
  /** Sessions that live now. */
  readonly running: number;
  /** The file that now has the text; `null` = no file was written, and the policy stays until its file changes. */
  readonly written: string | null;
}

/** The part of it that the policy itself knows. */
export type Applied = Omit<PolicyAppliedDocument, "running">;

export interface PolicyHistoryDocument {
  readonly schema: "jumping-vpn/policy-history/v1";
  readonly total: number;
  /** Newest first. */
  readonly versions: readonly PolicyVersion[];
}

export interface PolicyVersionDocument {
  readonly schema: "jumping-vpn/policy-version/v1";
  readonly version: PolicyVersion;
  readonly text: string;
}

/** Whether all limits permit one kind of move now. */
export interface MoveView {
  /**
   * A switch: `elective` = from a path that carries, `emergency` = after its death. A new proof on the same path:
   * `revalidate` = while it carries, `restore` = after it was lost.
   */
  readonly kind: "elective" | "emergency" | "revalidate" | "restore";
  readonly allowed: boolean;
  readonly reason: Reason | null;
  /** Time until every limit permits the move, if nothing else happens; 0 = now. */
  readonly retryAfterMs: number;
  readonly used: number;
  readonly max: number;
}

/** A running clock that will end the session or its present state. */
export interface ClockView {
  readonly reason: Reason;
  readonly limitMs: number;
  readonly leftMs: number;
}

/**
 * The rank of a path: an ordered tuple without weights; smaller is better. An unmeasured part has its worst value, so
 * that an unmeasured path ranks last and never best.
 */
export interface RankView {
  /** 0 = stable candidate, 1 = not usable. */
  readonly usable: 0 | 1;
  /** Index in `PRIORITIES`. */
  readonly priority: number;
  readonly lossBucket: number;
  readonly latencyBucket: number;
  readonly metered: 0 | 1;
  readonly penaltyMs: number;
  /** Median over the latency window, else the newest estimate. `null` = not measured; it ranks after every number. */
  readonly rttUs: number | null;
  /** The last criterion; it makes the order total. */
  readonly id: PathId;
}

/** A path and its comparison with the active one. */
export interface PathReasonView {
  readonly path: PathId;
  readonly label: string;
  readonly active: boolean;
  readonly rank: RankView;
  /** `null` for the active path itself, and if no path is active. */
  readonly comparison:
    | null
    | { readonly move: true; readonly reason: Reason }
    | {
        readonly move: false;
        readonly because: string;
        readonly waitMs?: number;
        readonly gainMs?: number;
        readonly neededMs?: number;
      };
}

export interface SessionReasonView {
  readonly session: SessionId;
  readonly role: Role;
  readonly state: StateName;
  readonly policy: string;
  readonly sending: SendingView;
  readonly budget: { readonly switches: Share; readonly recoveries: Share };
  readonly moves: readonly MoveView[];
  /** Ordered by the time left, shortest first. */
  readonly clocks: readonly ClockView[];
  /** Best first. */
  readonly paths: readonly PathReasonView[];
}

export interface PolicyExplainDocument {
  readonly schema: "jumping-vpn/policy-explain/v1";
  readonly policy: {
    readonly name: string;
    readonly version: number;
    readonly digest: string;
    readonly origin: PolicyOrigin;
    /** The file read at start and reload; `null` = none. */
    readonly file: string | null;
    readonly valid: boolean;
    readonly errors: readonly string[];
    /** True if an operator's policy is in force. It stays until the file changes. */
    readonly overFile: boolean;
  };
  readonly newSessions: { readonly allowed: boolean; readonly reason: Reason | null };
  /** The requested live session, or else at most 16 live sessions. */
  readonly sessions: readonly SessionReasonView[];
  readonly total: number;
}
