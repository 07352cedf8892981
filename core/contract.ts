import type { ClusterEvent } from "#domains/cluster/model";
import type { PolicySet } from "#domains/policy/model";
import type { Assignment, Command, Report } from "#kernel/contract/engine.generated";
import type { CoreEvent } from "#kernel/contract/event";
import type { Priority } from "#kernel/contract/priority";
import type { Reason } from "#kernel/contract/reason";
import type { PathId, SessionHandle } from "#kernel/contract/state";
import type { Millis } from "#kernel/time";

/**
 * Preference of an interface; the first match wins. Without rules every usable interface is primary. `interface` is a
 * glob (`wwan*`).
 */
export interface PathRule {
  readonly interface: string;
  readonly priority: Priority;
  readonly metered: boolean;
}

export interface GatewayAddresses {
  readonly name: string;
  readonly key: string;
  readonly addresses: readonly { readonly ip: string; readonly port: number }[];
}

export interface ClientConfig {
  readonly role: "client";
  readonly reconnect: boolean;
  /** In order of preference, at most 8 gateways with 8 addresses each. The daemon resolves the addresses. */
  readonly gateways: readonly GatewayAddresses[];
  readonly paths: readonly PathRule[];
  /** The tunnel's own interfaces, which never carry a path. */
  readonly ownInterfaces: readonly string[];
}

export interface GatewayConfig {
  readonly role: "gateway";
  readonly node: string;
  readonly clients: readonly { readonly name: string; readonly key: string; readonly group: string | null }[];
}

/** Identifies one request to the store until it is answered. The core never uses a token twice. */
export type StoreToken = number;

/** What the core requests from the store of record. The operations are idempotent. */
export type StoreOperation =
  /** Returns the inner addresses of a client key, and assigns new ones if it has none. */
  { readonly type: "Lease"; readonly key: string };

/** `unknown`: the store may or may not have done it. It never counts as done. */
export type StoreOutcome =
  | { readonly is: "done"; readonly assignment: Assignment }
  | { readonly is: "refused"; readonly reason: Reason }
  | { readonly is: "unknown" };

export type OperatorRequest =
  | { readonly verb: "switch"; readonly session: SessionHandle; readonly to: PathId }
  | { readonly verb: "terminate"; readonly session: SessionHandle; readonly detail: string };

/** One event from outside, with everything the core needs to judge it. It survives JSON, so a journal can store it. */
export type Input =
  /** `resumes`: a person loaded it, so that a client may dial again after an operator ended its session. */
  | { readonly type: "Configured"; readonly config: ClientConfig | GatewayConfig; readonly resumes: boolean }
  | {
      readonly type: "PolicyOffered";
      readonly outcome: { ok: true; policy: PolicySet } | { ok: false; errors: readonly string[] };
      /** The operator who applied it; absent if the daemon read it from its file. */
      readonly by?: string;
    }
  | { readonly type: "Engine"; readonly report: Report }
  /** The store's answer to a `Store` effect: in the same turn of the loop, later, or never. */
  | { readonly type: "StoreAnswered"; readonly token: StoreToken; readonly outcome: StoreOutcome }
  /** What the cluster reports about this node's authority over its sessions. */
  | { readonly type: "Authority"; readonly event: ClusterEvent }
  | { readonly type: "Operator"; readonly id: number; readonly actor: string; readonly request: OperatorRequest }
  | { readonly type: "Tick" }
  /**
   * Something could not be carried out: code threw (`thrown`), or a report has a value that JavaScript cannot
   * represent. `session` = the session concerned, which ends; `null` = none. A command that the engine refused is a
   * report (`Refused`).
   */
  | {
      readonly type: "Faulted";
      readonly session: SessionHandle | null;
      readonly what: string;
      readonly why: string;
      readonly thrown: boolean;
    }
  /** The daemon stops: every live session is closed with `daemon_stopped`, and no dial starts any more. */
  | { readonly type: "Stop" };

/** The result of an operator's request. */
export type OperatorOutcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: OperatorError };

export interface OperatorError {
  readonly code: Reason | "not_found";
  readonly message: string;
  readonly hint: string;
  readonly retryAfterMs: number | null;
  /** Present if the other end decided, and refused. */
  readonly deniedBy?: "client";
}

export type Effect =
  | { readonly type: "Engine"; readonly command: Command }
  | { readonly type: "Event"; readonly event: CoreEvent }
  /** Client: addresses of the TUN; `null` = remove them. A reconnect alone does not remove them. */
  | { readonly type: "Tunnel"; readonly assignment: Assignment | null }
  | { readonly type: "Reply"; readonly id: number; readonly outcome: OperatorOutcome }
  /** The daemon sends the requests of one turn of its loop together. Each session in BIRTH has at most one pending. */
  | { readonly type: "Store"; readonly token: StoreToken; readonly operation: StoreOperation }
  /** The time at which the next Tick is due; `null` = none. Replaces the previous one. */
  | { readonly type: "Wake"; readonly at: Millis | null };
