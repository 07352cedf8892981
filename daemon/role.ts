import type { Input } from "#core/contract";
import type { Settings } from "#daemon/config/load";
import type { Log } from "#daemon/log/log";
import type { StorePort } from "#daemon/store/port";
import type { Machine } from "#daemon/system/machine";
import type { Tunnel } from "#daemon/system/tunnel";
import type { PolicySet } from "#domains/policy/model";
import type { Assignment, Report } from "#kernel/contract/engine.generated";
import type { CoreEvent, Numbers } from "#kernel/contract/event";

/** What a role is given to work with. */
export interface RoleContext {
  readonly log: Log;
  readonly machine: Machine;
  readonly tunnel: Tunnel;
  /** Logs and records why there is no tunnel. */
  readonly tunnelFailed: (error: string) => void;
  /** The policy in force; `null` = there is none yet. */
  readonly policy: () => PolicySet | null;
  readonly feed: (input: Input) => void;
  /** Writes a diagnostic of the daemon itself into the record. */
  readonly diagnose: (numbers: Numbers) => void;
}

/** What a gateway and a client do differently. The daemon calls these; everything else is the same for both. */
export interface Role<S extends Settings = Settings> {
  /** The store that the core's requests go to; `null` = none. */
  readonly store: StorePort | null;
  /** Runs once, when the engine has started. Throws a `StartFailure`. */
  prepare(): Promise<void>;
  /** Gives the core its configuration: at the start and after each reload. */
  configure(settings: S): Promise<void>;
  /** The addresses of the tunnel changed; `null` = there are none any more. */
  assigned(assignment: Assignment | null): void;
  /** Sees each report before the core does. */
  reported(report: Report): void;
  /** Sees each event after it was recorded. */
  recorded(event: CoreEvent): void;
  /** True if the configuration forbids this node the interface. */
  neverUses(interfaceName: string): boolean;
  stop(): void;
}
