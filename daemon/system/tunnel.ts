import { causeText } from "#daemon/fault";
import type { Undo } from "#daemon/system/change";
import type { SystemChanges } from "#daemon/system/changes";
import type { TunnelPlan } from "#daemon/system/plan";
import type { TunnelView } from "#kernel/contract/control";

interface TunnelNews {
  /** Called after every change of the view. Must not throw. */
  changed(view: TunnelView): void;
  warned(message: string): void;
}

/**
 * Sets up the TUN device according to the newest wish, one change at a time. A wish that arrives during a change
 * replaces the waiting one. A plan equal to the one in force changes nothing, so that a reconnect keeps all routes.
 */
export class Tunnel {
  readonly #changes: SystemChanges;
  readonly #news: TunnelNews;
  #view: TunnelView;
  #undos: readonly Undo[] = [];
  #inForce = "";
  #waiting: (() => TunnelPlan | null) | null = null;
  #running: Promise<void> | null = null;

  constructor(changes: SystemChanges, name: string, mtu: number, news: TunnelNews) {
    this.#changes = changes;
    this.#news = news;
    const closed = changes.closed;
    this.#view = { interface: name, state: "unconfigured", addresses: [], routes: [], closed, mtu, warnings: [], error: null };
  }

  get view(): TunnelView {
    return this.#view;
  }

  /**
   * `null` = undo everything but the backstop. Resolves when this wish or a newer one is in force or has failed.
   */
  wish(plan: TunnelPlan | null): Promise<void> {
    return this.#wish(() => plan);
  }

  /** The same with a plan that depends on the networks that are closed when its turn comes. */
  hold(planFor: (closed: readonly string[]) => TunnelPlan): Promise<void> {
    return this.#wish(() => (this.#changes.closed.length === 0 ? null : planFor(this.#changes.closed)));
  }

  #wish(plan: () => TunnelPlan | null): Promise<void> {
    this.#waiting = plan;
    this.#running ??= this.#work().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #work(): Promise<void> {
    while (this.#waiting !== null) {
      const plan = this.#waiting();
      this.#waiting = null;
      const key = plan === null ? "" : JSON.stringify(plan.changes);
      if (key === this.#inForce && this.#view.error === null) continue;
      try {
        await this.#replace(plan, key);
      } catch (cause) {
        this.#view = { ...this.#view, addresses: [], routes: [], state: "failed", error: causeText(cause) };
      }
      // What the tunnel carries is open; the rest of the backstop is closed.
      this.#view = { ...this.#view, closed: this.#changes.closed.filter((network) => !this.#view.routes.includes(network)) };
      this.#news.changed(this.#view);
    }
  }

  /** The new backstop comes first, so that nothing leaves beside the tunnel while its routes are replaced. */
  async #replace(plan: TunnelPlan | null, key: string): Promise<void> {
    const open = plan === null || plan.backstop === null ? null : await this.#changes.stand(plan.backstop);
    for (const complaint of await this.#changes.undo(this.#undos))
      this.#news.warned(`a change of the tunnel cannot be undone: ${complaint}`);
    this.#undos = [];
    this.#inForce = "";
    const empty = { ...this.#view, addresses: [], routes: [], warnings: plan?.warnings ?? [], error: null };
    if (plan === null) {
      this.#view = { ...empty, state: "unconfigured" };
      return;
    }
    for (const warning of plan.warnings) this.#news.warned(warning);
    if (open !== null) {
      this.#view = { ...empty, state: "failed", error: open };
      return;
    }
    const applied = await this.#changes.apply(plan.changes);
    if (!applied.ok) {
      this.#view = { ...empty, state: "failed", error: applied.why };
      return;
    }
    this.#undos = applied.undos;
    this.#inForce = key;
    const state = plan.backstop === null ? "unconfigured" : "configured";
    this.#view = { ...empty, state, addresses: plan.addresses, routes: plan.routes, mtu: plan.mtu };
  }
}
