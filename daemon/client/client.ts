import { ruleFor } from "#core/client/paths";
import type { GatewayAddresses } from "#core/contract";
import type { ClientSettings } from "#daemon/config/client";
import type { Role, RoleContext } from "#daemon/role";
import { machineFacts } from "#daemon/system/facts";
import { assignmentFault, clientPlan, holdingPlan } from "#daemon/system/plan";
import type { UnresolvedName } from "#kernel/contract/control";
import type { Assignment, Report } from "#kernel/contract/engine.generated";
import type { CoreEvent } from "#kernel/contract/event";
import { GatewayNames } from "./gateway-names.ts";
import type { KnownNames } from "./known-names.ts";
import { systemResolver } from "./system-resolver.ts";

/** A client. It resolves the names of its gateways, and sets up its tunnel as a gateway assigns it. */
export class Client implements Role<ClientSettings> {
  readonly store = null;
  readonly refused = [];
  readonly #on: RoleContext;
  readonly #known: KnownNames;
  #settings: ClientSettings;
  #names: GatewayNames | null = null;

  constructor(on: RoleContext, settings: ClientSettings, known: KnownNames) {
    this.#on = on;
    this.#settings = settings;
    this.#known = known;
  }

  /** The tunnel is set up when a gateway has assigned its addresses. */
  prepare(): Promise<void> {
    return this.#hold();
  }

  /** The core gets the configuration again whenever the addresses of the gateways change. */
  configure(settings: ClientSettings): void {
    this.#settings = settings;
    this.#names?.stop();
    let resumes = true;
    const news = {
      resolved: (gateways: readonly GatewayAddresses[]) => {
        this.#configured(settings, gateways, resumes);
        resumes = false;
      },
      unresolved: (names: readonly UnresolvedName[]) => this.#unresolved(names),
    };
    this.#names = new GatewayNames(settings.gateways, news, systemResolver(), this.#known);
    void this.#names.start();
  }

  get unresolved(): readonly UnresolvedName[] {
    return this.#names?.unresolved ?? [];
  }

  assigned(assignment: Assignment | null): void {
    const { tunnel, machine, tunnelFailed } = this.#on;
    const fault = assignment === null ? null : assignmentFault(this.#settings, assignment);
    if (fault !== null) {
      tunnelFailed(fault);
      void this.#hold();
      return;
    }
    if (assignment === null) void this.#hold();
    else void tunnel.wish(clientPlan(this.#settings, assignment, machineFacts(machine, this.#settings.interface)));
  }

  /** Without a session, what was in the tunnel waits for the next one. */
  #hold(): Promise<void> {
    const { tunnel, machine } = this.#on;
    return tunnel.hold((closed) => holdingPlan(this.#settings, closed, machineFacts(machine, this.#settings.interface)));
  }

  reported(report: Report): void {
    if (report.type === "Links") this.#names?.refresh();
  }

  recorded(event: CoreEvent): void {
    if (event.type === "DialFailed") this.#names?.refresh();
  }

  neverUses(interfaceName: string): boolean {
    return ruleFor(this.#settings, interfaceName).priority === "never";
  }

  stop(): void {
    this.#names?.stop();
  }

  #unresolved(names: readonly UnresolvedName[]): void {
    const { log, diagnose } = this.#on;
    if (names.length === 0) log.info("all names of gateways are resolved again");
    for (const { name, why, inUse } of names) {
      log.warn({ name, why, inUse }, "a gateway's name cannot be resolved; it is looked up again");
      diagnose({ what: "gateway_name_unresolved", name, why });
    }
  }

  #configured(settings: ClientSettings, gateways: readonly GatewayAddresses[], resumes: boolean): void {
    const { reconnect, paths, interface: own } = settings;
    this.#on.feed({ type: "Configured", config: { role: "client", reconnect, gateways, paths, ownInterfaces: [own] }, resumes });
  }
}
