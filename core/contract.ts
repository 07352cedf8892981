import type { ClusterEvent } from "#domains/cluster/model";
import type { PolicySet } from "#domains/policy/model";
import type { Assignment, Command, Report } from "#kernel/contract/engine.generated";
import type { CoreEvent } from "#kernel/contract/event";
import type { Priority } from "#kernel/contract/priority";
import type { Reason } from "#kernel/contract/reason";
import type { PathId, SessionHandle } from "#kernel/contract/state";
import type { Millis } from "#kernel/time";

/** Preference of paths, first match wins; none = every usable interface as primary. `interface` is a glob (`wwan*`). */
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
  /** In order of preference; addresses are resolved by the daemon, at most 8 gateways with 8 addresses each. */
  readonly gateways: readonly GatewayAddresses[];
  readonly paths: readonly PathRule[];
  /** Interfaces that never carry a path: the tunnel's own. */
  readonly ownInterfaces: readonly string[];
}

export interface GatewayConfig {
  readonly role: "gateway";
  readonly node: string;
  readonly clients: readonly { readonly name: string; readonly key: string; readonly group: string | null }[];
}

/** Names one request to the store until it is answered. A core never uses a token twice. */
export type StoreToken = number;

/** What the core asks of the store of record. Asking the same again gives the same. */
export type StoreOperation =
  /** The inner addresses of a client key: those that it has, else new ones. */
  { readonly type: "Lease"; readonly key: string };

/** `unknown`: the store may have done it or not. It never counts as done. */
export type StoreOutcome =
  | { readonly is: "done"; readonly assignment: Assignment }
  | { readonly is: "refused"; readonly reason: Reason }
  | { readonly is: "unknown" };

export type OperatorRequest =
  | { readonly verb: "switch"; readonly session: SessionHandle; readonly to: PathId }
  | { readonly verb: "terminate"; readonly session: SessionHandle; readonly detail: string };

/** One thing that happened, with everything the core needs to decide on it. JSON-safe: the journal stores it as is. */
export type Input =
  | { readonly type: "Configured"; readonly config: ClientConfig | GatewayConfig }
  | {
      readonly type: "PolicyOffered";
      readonly outcome: { ok: true; policy: PolicySet } | { ok: false; errors: readonly string[] };
      /** The operator who applied it; left out where the daemon read it by itself. */
      readonly by?: string;
    }
  | { readonly type: "Engine"; readonly report: Report }
  /** The store's answer to a `Store` effect: in the same turn of the loop, later, or never. */
  | { readonly type: "StoreAnswered"; readonly token: StoreToken; readonly outcome: StoreOutcome }
  /** What the cluster says about this node's right to act for its sessions. */
  | { readonly type: "Authority"; readonly event: ClusterEvent }
  | { readonly type: "Operator"; readonly id: number; readonly actor: string; readonly request: OperatorRequest }
  | { readonly type: "Tick" }
  /**
   * Something could not be carried out: code threw (`thrown`), or a report holds what JavaScript cannot. `session` =
   * the one it belongs to, which ends; `null` = none. A command that the engine refused is a report (`Refused`).
   */
  | {
      readonly type: "Faulted";
      readonly session: SessionHandle | null;
      readonly what: string;
      readonly why: string;
      readonly thrown: boolean;
    }
  /** The daemon ends: every live session is closed with `daemon_stopped`, nothing is dialled again. */
  | { readonly type: "Stop" };

/** What becomes of an operator's request. */
export type OperatorOutcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: OperatorError };

export interface OperatorError {
  readonly code: Reason | "not_found";
  readonly message: string;
  readonly hint: string;
  readonly retryAfterMs: number | null;
}

export type Effect =
  | { readonly type: "Engine"; readonly command: Command }
  | { readonly type: "Event"; readonly event: CoreEvent }
  /** Client: addresses of the TUN; `null` = take them away (not on a mere reconnect). */
  | { readonly type: "Tunnel"; readonly assignment: Assignment | null }
  | { readonly type: "Reply"; readonly id: number; readonly outcome: OperatorOutcome }
  /** Requests of one turn of the loop go to the store together. At most one waits for each session in BIRTH. */
  | { readonly type: "Store"; readonly token: StoreToken; readonly operation: StoreOperation }
  /** The next time at which a Tick is due; `null` = none. Replaces the previous one. */
  | { readonly type: "Wake"; readonly at: Millis | null };
