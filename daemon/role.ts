import type { Input } from "#core/contract";
import type { Settings } from "#daemon/config/load";
import type { Log } from "#daemon/log/log";
import type { StorePort } from "#daemon/store/port";
import type { Machine } from "#daemon/system/machine";
import type { Tunnel } from "#daemon/system/tunnel";
import type { PolicySet } from "#domains/policy/model";
import type { RefusedHandshakes, UnresolvedName } from "#kernel/contract/control";
import type { Assignment, Report } from "#kernel/contract/engine.generated";
import type { CoreEvent, Numbers } from "#kernel/contract/event";

/** The parts of the daemon that a role uses. */
export interface RoleContext {
  readonly log: Log;
  readonly machine: Machine;
  readonly tunnel: Tunnel;
  /** Logs and records why the tunnel cannot be set up. */
  readonly tunnelFailed: (error: string) => void;
  /** The policy in force; `null` = there is none yet. */
  readonly policy: () => PolicySet | null;
  readonly feed: (input: Input) => void;
  /** Writes a diagnostic of the daemon itself into the record. */
  readonly diagnose: (numbers: Numbers) => void;
}

/** The functions in which a gateway and a client differ. The daemon calls them; everything else is the same. */
export interface Role<S extends Settings = Settings> {
  /** The store for the core's requests; `null` = none. */
  readonly store: StorePort | null;
  /** Called once, after the engine has started. Throws a `StartFailure`. */
  prepare(): Promise<void>;
  /** Passes the configuration to the core, at the start and after each reload. */
  configure(settings: S): void;
  /** Names of gateways that cannot be resolved. */
  readonly unresolved: readonly UnresolvedName[];
  /** Handshakes that this gateway refused. */
  readonly refused: readonly RefusedHandshakes[];
  /** Called when the addresses of the tunnel change; `null` = it has none. */
  assigned(assignment: Assignment | null): void;
  /** Called with each report before the core processes it. */
  reported(report: Report): void;
  /** Called with each event after it is recorded. */
  recorded(event: CoreEvent): void;
  /** True if the configuration forbids this node to use the interface. */
  neverUses(interfaceName: string): boolean;
  stop(): void;
}
