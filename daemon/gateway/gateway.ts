import type { GatewaySettings } from "#daemon/config/gateway";
import { StartFailure } from "#daemon/fault";
import { tunnelMtu } from "#daemon/policy/mtu";
import type { Role, RoleContext } from "#daemon/role";
import type { Store } from "#daemon/store/database";
import { SqliteStore } from "#daemon/store/sqlite";
import { machineFacts } from "#daemon/system/facts";
import { gatewayPlan } from "#daemon/system/plan";
import type { RefusedHandshakes } from "#kernel/contract/control";
import type { CoreEvent } from "#kernel/contract/event";
import { EXIT } from "#kernel/contract/exit-code";
import { Refusals } from "./refusals.ts";

/** A gateway. It has one tunnel for all its clients, and a store with their addresses. */
export class Gateway implements Role<GatewaySettings> {
  readonly store: SqliteStore;
  readonly unresolved = [];
  readonly #refusals = new Refusals();
  readonly #on: RoleContext;
  readonly #node: string;
  #settings: GatewaySettings;

  constructor(on: RoleContext, node: string, settings: GatewaySettings, database: Store) {
    this.#on = on;
    this.#node = node;
    this.#settings = settings;
    this.store = new SqliteStore(database, settings, (what, why) => {
      on.log.error({ why }, what);
      on.diagnose({ what, why });
    });
  }

  /** Sets up the tunnel. Throws a `StartFailure`, because a gateway without a tunnel carries nothing. */
  async prepare(): Promise<void> {
    const { tunnel, machine } = this.#on;
    const { interface: name } = this.#settings;
    await tunnel.wish(gatewayPlan({ ...this.#settings, mtu: this.#mtu() }, machineFacts(machine, name)));
    const { error } = tunnel.view;
    if (error === null) return;
    const hint = error.includes("nft")
      ? "install nftables, or set masquerade = false"
      : "check that no other program uses these addresses, and run as root";
    throw new StartFailure([{ what: `the tunnel ${name} cannot be set up`, why: error, hint }], EXIT.failed);
  }

  configure(settings: GatewaySettings): void {
    this.#settings = settings;
    this.store.reconfigure(settings);
    const clients = settings.clients.map(({ name, key, group }) => ({ name, key, group }));
    this.#on.feed({ type: "Configured", config: { role: "gateway", node: this.#node, clients }, resumes: true });
  }

  /** A gateway assigns addresses; none are assigned to it. */
  assigned(): void {}

  reported(): void {}

  get refused(): readonly RefusedHandshakes[] {
    return this.#refusals.view;
  }

  recorded(event: CoreEvent): void {
    this.#refusals.note(event, new Date());
    if (event.type === "PolicyApplied") this.#compareMtu();
  }

  neverUses(): boolean {
    return false;
  }

  stop(): void {}

  /** Warns if the policy's MTU differs from the tunnel's, because a running gateway's device keeps its MTU. */
  #compareMtu(): void {
    const { mtu: running, state } = this.#on.tunnel.view;
    const wanted = this.#mtu();
    if (state !== "configured" || wanted === running) return;
    const what = "new sessions use the policy's new MTU; the gateway's tunnel uses it after a restart";
    this.#on.log.warn({ running, wanted }, what);
  }

  #mtu(): number {
    return tunnelMtu(this.#settings.mtu, this.#on.policy());
  }
}
