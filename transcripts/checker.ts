import type { Effect } from "#core/contract";
import type { CoreEvent } from "#kernel/contract/event";
import { REASONS } from "#kernel/contract/reason";
import type { StateName } from "#kernel/contract/state";

/** What a run is held to. The checker counts and times by itself and never asks the core. */
export interface Bounds {
  readonly switchesPerMin: number;
  readonly recoveriesPerMin: number;
  readonly windowMs: number;
  readonly transportLostTtlMs: number;
  readonly degradedMaxMs: number;
}

interface Seen {
  state: StateName;
  version: number;
  switches: number[];
  recoveries: number[];
  deadSince: number | null;
  degradedSince: number | null;
}

const EDGES: Readonly<Record<StateName, readonly StateName[]>> = {
  BIRTH: ["ATTACHED", "TERMINATED"],
  ATTACHED: ["VOLATILE", "TERMINATED"],
  VOLATILE: ["RECOVERING", "DEGRADED", "TERMINATED"],
  DEGRADED: ["RECOVERING", "TERMINATED"],
  RECOVERING: ["ATTACHED", "DEGRADED", "TERMINATED"],
  TERMINATED: [],
};
const COUNTED: readonly string[] = ["transport_dead", "loss_threshold_exceeded", "heartbeat_timeout", "authority_lost"];
/** A session never ends because a transport died (I1). */
const NEVER_AN_END: readonly string[] = ["transport_dead", "no_candidate", "target_dead", "link_down", "silent", "path_closed"];

/** Holds a stream of effects to the invariants I1, I3, I4, I5, I7, I10, I12, I14 and I16 with clocks of its own. */
export class Checker {
  readonly #sessions = new Map<string, Seen>();
  readonly #bounds: Bounds;
  readonly broken: string[] = [];

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  /** One input's effects. `proves` = the input could carry a proof: only then may a session become ATTACHED (I2). */
  watch(effects: readonly Effect[], now: number, proves: boolean): void {
    for (const effect of effects) if (effect.type === "Event") this.#event(effect.event, now, proves);
    for (const [id, seen] of this.#sessions) this.#clocks(id, seen, now);
  }

  #event(event: CoreEvent, now: number, proves: boolean): void {
    if (event.type === "DomainFault") this.#fail(`I16: a domain failed: ${JSON.stringify(event.numbers)}`);
    const id = event.session;
    if (id === undefined) return;
    const seen = this.#sessions.get(id) ?? fresh();
    this.#sessions.set(id, seen);
    if (event.type === "TransportDead" && event.numbers?.wasActive === true) seen.deadSince ??= now;
    if (event.type === "TransportSwitch") {
      seen.switches.push(now);
      const used = inWindow(seen.switches, this.#bounds.windowMs, now);
      if (used > this.#bounds.switchesPerMin) this.#fail(`I3: ${used} switches in a window`);
    }
    if (event.type === "SessionStateChange") this.#change(seen, event, now, proves);
  }

  #change(seen: Seen, event: CoreEvent, now: number, proves: boolean): void {
    const { from, to, version, reason } = event;
    if (from !== seen.state) this.#fail(`I4: chain broken, ${from} after ${seen.state}`);
    if (version !== seen.version + 1) this.#fail(`I4: version ${version} after ${seen.version}`);
    if (reason === undefined || !Object.hasOwn(REASONS, reason)) this.#fail(`I4: no registered reason for ${from} → ${to}`);
    if (to === undefined || !EDGES[seen.state].includes(to)) this.#fail(`I10: ${from} → ${to}`);
    seen.version = version ?? seen.version;
    seen.state = to ?? seen.state;
    if (to === "TERMINATED" && NEVER_AN_END.includes(reason ?? "")) this.#fail(`I1: ended by ${reason}`);
    if (to === "VOLATILE" && COUNTED.includes(reason ?? "")) seen.degradedSince ??= now;
    if (to === "RECOVERING") {
      seen.recoveries.push(now);
      const used = inWindow(seen.recoveries, this.#bounds.windowMs, now);
      if (used > this.#bounds.recoveriesPerMin) this.#fail(`I3: ${used} recoveries in a window`);
    }
    if (to !== "ATTACHED") return;
    if (!proves) this.#fail("I2: ATTACHED without an input that proves anything");
    if (event.transport?.new == null) this.#fail("I5: ATTACHED without an active path");
    seen.deadSince = null;
    seen.degradedSince = null;
  }

  #clocks(id: string, seen: Seen, now: number): void {
    if (seen.state === "TERMINATED") return;
    const { transportLostTtlMs, degradedMaxMs } = this.#bounds;
    if (seen.deadSince !== null && now - seen.deadSince > transportLostTtlMs) this.#fail(`I8: ${id} without a path for too long`);
    if (seen.degradedSince !== null && now - seen.degradedSince > degradedMaxMs) this.#fail(`I8: ${id} degraded for too long`);
  }

  #fail(what: string): void {
    this.broken.push(what);
  }
}

function fresh(): Seen {
  return { state: "BIRTH", version: 0, switches: [], recoveries: [], deadSince: null, degradedSince: null };
}

function inWindow(times: readonly number[], windowMs: number, now: number): number {
  return times.filter((at) => now - at <= windowMs).length;
}
