import type { PolicySet } from "#domains/policy/model";
import type { Assignment, Command, Report } from "#kernel/contract/engine.generated";
import type { CoreEvent } from "#kernel/contract/event";
import type { Reason } from "#kernel/contract/reason";
import type { PathId, SessionHandle } from "#kernel/contract/state";
import type { Millis } from "#kernel/time";

/** Preference of paths, first match wins; none = every usable interface as primary. `interface` is a glob (`wwan*`). */
export interface PathRule {
  readonly interface: string;
  readonly priority: "primary" | "secondary" | "backup" | "never";
  readonly metered: boolean;
}

export interface ClientConfig {
  readonly role: "client";
  readonly reconnect: boolean;
  /** In order of preference; addresses are resolved by the daemon, at most 8 gateways with 8 addresses each. */
  readonly gateways: readonly {
    readonly name: string;
    readonly key: string;
    readonly addresses: readonly { ip: string; port: number }[];
  }[];
  readonly paths: readonly PathRule[];
  /** Interfaces that never carry a path: the tunnel's own. */
  readonly ownInterfaces: readonly string[];
}

export interface GatewayConfig {
  readonly role: "gateway";
  readonly node: string;
  readonly clients: readonly { readonly name: string; readonly key: string; readonly group: string | null }[];
}

/** What the daemon's address store answered for a client key, looked up before the input reaches the core. */
export type Lease = { readonly ok: true; readonly assignment: Assignment } | { readonly ok: false; readonly reason: Reason };

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
  | { readonly type: "Engine"; readonly report: Report; readonly lease?: Lease }
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
  | {
      readonly type: "Reply";
      readonly id: number;
      readonly outcome: { ok: true; value: unknown } | { ok: false; error: OperatorError };
    }
  /** The next time at which a Tick is due; `null` = none. Replaces the previous one. */
  | { readonly type: "Wake"; readonly at: Millis | null };
