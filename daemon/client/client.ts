import { ruleFor } from "#core/client/paths";
import type { GatewayAddresses } from "#core/contract";
import type { ClientSettings } from "#daemon/config/client";
import type { Role, RoleContext } from "#daemon/role";
import { machineFacts } from "#daemon/system/facts";
import { assignmentFault, clientPlan } from "#daemon/system/plan";
import type { Assignment, Report } from "#kernel/contract/engine.generated";
import type { CoreEvent } from "#kernel/contract/event";
import { GatewayNames } from "./gateway-names.ts";

/** A client. It resolves the names of its gateways, and sets up its tunnel as a gateway assigns it. */
export class Client implements Role<ClientSettings> {
  readonly store = null;
  readonly #on: RoleContext;
  #settings: ClientSettings;
  #names: GatewayNames | null = null;

  constructor(on: RoleContext, settings: ClientSettings) {
    this.#on = on;
    this.#settings = settings;
  }

  /** The tunnel is set up when a gateway has assigned its addresses. */
  async prepare(): Promise<void> {}

  /** The core gets the configuration again whenever the addresses of the gateways change. */
  async configure(settings: ClientSettings): Promise<void> {
    this.#settings = settings;
    this.#names?.stop();
    const known = this.#names?.known;
    let resumes = true;
    this.#names = new GatewayNames(
      settings.gateways,
      (resolved, unresolved) => {
        this.#resolved(settings, resolved, unresolved, resumes);
        resumes = false;
      },
      { known },
    );
    await this.#names.start();
  }

  assigned(assignment: Assignment | null): void {
    const { tunnel, machine, tunnelFailed } = this.#on;
    const fault = assignment === null ? null : assignmentFault(this.#settings, assignment);
    if (fault !== null) {
      tunnelFailed(fault);
      void tunnel.wish(null);
      return;
    }
    const facts = () => machineFacts(machine, this.#settings.interface);
    void tunnel.wish(assignment === null ? null : clientPlan(this.#settings, assignment, facts()));
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

  #resolved(
    settings: ClientSettings,
    gateways: readonly GatewayAddresses[],
    unresolved: readonly string[],
    resumes: boolean,
  ): void {
    const { log, feed } = this.#on;
    if (unresolved.length > 0) log.warn({ names: unresolved }, "gateway names cannot be resolved yet; look-ups are retried");
    const { reconnect, paths, interface: own } = settings;
    feed({ type: "Configured", config: { role: "client", reconnect, gateways, paths, ownInterfaces: [own] }, resumes });
  }
}
