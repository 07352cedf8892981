import type { Effect } from "#core/contract";
import type { CoreEvent } from "#kernel/contract/event";
import { REASONS } from "#kernel/contract/reason";
import type { StateName } from "#kernel/contract/state";

/** The limits for a run. The checker counts and measures times itself and never asks the core. */
export interface Bounds {
  readonly switchesPerMin: number;
  readonly recoveriesPerMin: number;
  /** Client: half of both limits is a reserve for the time after a death. A gateway has no part in that. */
  readonly reserves: boolean;
  readonly windowMs: number;
  readonly transportLostTtlMs: number;
  readonly degradedMaxMs: number;
}

/** `elective`: a path carried the traffic meanwhile, so the move could have waited. */
interface Move {
  readonly at: number;
  readonly elective: boolean;
}

/** One session, as derived from its events and the checker's own clocks. */
export interface Seen {
  readonly id: string;
  state: StateName;
  /** Time at which the state was entered. */
  since: number;
  version: number;
  switches: readonly Move[];
  recoveries: readonly Move[];
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
/** Reasons that must never end a session: it does not end because a transport died (I1). */
const NEVER_AN_END: readonly string[] = ["transport_dead", "no_candidate", "target_dead", "link_down", "silent", "path_closed"];

/** Checks a stream of effects against the invariants I1, I3, I4, I5, I7, I8, I10 and I16, with its own clocks. */
export class Checker {
  readonly #sessions = new Map<string, Seen>();
  /** The limits of the policy in force. */
  bounds: Bounds;
  readonly broken: string[] = [];

  constructor(bounds: Bounds) {
    this.bounds = bounds;
  }

  /** An independent copy. */
  fork(): Checker {
    const copy = new Checker(this.bounds);
    for (const [id, seen] of this.#sessions) copy.#sessions.set(id, { ...seen });
    return copy;
  }

  /** Starts to check a session in the middle of its life. */
  begin(id: string, state: StateName, version: number): void {
    this.#sessions.set(id, { ...fresh(id, 0), state, version });
  }

  /** All sessions so far, in order of birth, including those that have ended. */
  get sessions(): readonly Seen[] {
    return [...this.#sessions.values()];
  }

  seen(id: string): Seen | undefined {
    return this.#sessions.get(id);
  }

  /**
   * Checks the effects of one input. `proves`: the input can carry a proof of this session; only then may it become
   * ATTACHED (I2).
   */
  watch(effects: readonly Effect[], now: number, proves: (session: string) => boolean): void {
    for (const effect of effects) if (effect.type === "Event") this.#event(effect.event, now, proves);
    this.pass(now);
  }

  /** Call when time has passed and all Ticks that were due by `now` were delivered. */
  pass(now: number): void {
    const { transportLostTtlMs, degradedMaxMs } = this.bounds;
    for (const { id, state, deadSince, degradedSince } of this.#sessions.values()) {
      if (state === "TERMINATED") continue;
      if (deadSince !== null && now - deadSince > transportLostTtlMs) this.fail(`I8: ${id} without a path for too long`);
      if (degradedSince !== null && now - degradedSince > degradedMaxMs) this.fail(`I8: ${id} degraded for too long`);
    }
  }

  fail(what: string): void {
    this.broken.push(what);
  }

  #event(event: CoreEvent, now: number, proves: (session: string) => boolean): void {
    if (event.type === "DomainFault") this.fail(`I16: a domain failed: ${JSON.stringify(event.numbers)}`);
    const id = event.session;
    if (id === undefined || event.version === undefined) return;
    const seen = this.#sessions.get(id) ?? fresh(id, now);
    this.#sessions.set(id, seen);
    if (event.type === "TransportDead" && event.numbers?.wasActive === true) seen.deadSince ??= now;
    if (event.type === "TransportSwitch") {
      seen.switches = this.#count("switches", seen.switches, this.bounds.switchesPerMin, seen.deadSince === null, now);
    }
    if (event.type === "TransportSwitchDenied") this.#denial(seen, event, now);
    if (event.type === "SessionStateChange") this.#change(seen, event, now, proves(id));
  }

  /** A denial must name a limit that is really used up, and a retry time. A denial by the peer is not checked. */
  #denial(seen: Seen, { reason, numbers }: CoreEvent, now: number): void {
    if (reason === undefined || numbers?.used === undefined) return;
    const { switchesPerMin, recoveriesPerMin } = this.bounds;
    if (reason === "switch_rate_limited") this.#denied("a switch", seen, this.use(seen.switches, switchesPerMin, now));
    if (reason === "recovery_rate_limited") this.#denied("a recovery", seen, this.use(seen.recoveries, recoveriesPerMin, now));
    if (!(Number(numbers.retryAfterMs) > 0)) this.fail(`I3: ${reason} without a retry time`);
  }

  #denied(what: string, { deadSince }: Seen, use: ReturnType<Checker["use"]>): void {
    if (!use.usedUp && !(use.electiveUsedUp && deadSince === null))
      this.fail(`I3: ${what} was denied by a limit that is not used up`);
    if (deadSince !== null && use.reserveLeft) this.fail(`I3: after a death ${what} waits for moves that could have waited`);
  }

  /** What is used up of a limit. `reserveLeft`: deaths have not had their half of it. */
  use(moves: readonly Move[], max: number, now: number) {
    const recent = moves.filter(({ at }) => now - at <= this.bounds.windowMs);
    const elective = recent.filter((move) => move.elective).length;
    const half = Math.floor(max / 2);
    const { reserves } = this.bounds;
    return {
      usedUp: recent.length >= max,
      electiveUsedUp: reserves && elective >= half,
      reserveLeft: reserves && recent.length - elective < max - half,
    };
  }

  #count(what: string, moves: readonly Move[], max: number, elective: boolean, now: number): readonly Move[] {
    const recent = [...moves.filter(({ at }) => now - at <= this.bounds.windowMs), { at: now, elective }];
    if (recent.length > max) this.fail(`I3: ${recent.length} ${what} in a window`);
    const chosen = recent.filter((move) => move.elective).length;
    if (this.bounds.reserves && elective && chosen > Math.floor(max / 2))
      this.fail(`I3: ${chosen} ${what} that could have waited, of ${max} in all`);
    return recent;
  }

  #change(seen: Seen, event: CoreEvent, now: number, proves: boolean): void {
    const { from, to, version, reason } = event;
    if (from !== seen.state) this.fail(`I4: chain broken, ${from} after ${seen.state}`);
    if (version !== seen.version + 1) this.fail(`I4: version ${version} after ${seen.version}`);
    if (reason === undefined || !Object.hasOwn(REASONS, reason)) this.fail(`I4: no registered reason for ${from} → ${to}`);
    if (to === undefined || !EDGES[seen.state].includes(to)) this.fail(`I10: ${from} → ${to}`);
    seen.version = version ?? seen.version;
    seen.state = to ?? seen.state;
    seen.since = now;
    if (to === "TERMINATED") this.#end(seen, reason, now);
    if (to === "VOLATILE" && COUNTED.includes(reason ?? "")) seen.degradedSince ??= now;
    if (to === "RECOVERING") {
      seen.recoveries = this.#count("recoveries", seen.recoveries, this.bounds.recoveriesPerMin, seen.deadSince === null, now);
    }
    if (to !== "ATTACHED") return;
    if (!proves) this.fail("I2: ATTACHED without an input that proves anything");
    if (event.transport?.new == null) this.fail("I5: ATTACHED without an active path");
    seen.deadSince = null;
    seen.degradedSince = null;
  }

  #end(seen: Seen, reason: string | undefined, now: number): void {
    if (NEVER_AN_END.includes(reason ?? "")) this.fail(`I1: ended by ${reason}`);
    const { transportLostTtlMs } = this.bounds;
    if (reason === "transport_lost_ttl_exceeded" && !(seen.deadSince !== null && now - seen.deadSince > transportLostTtlMs))
      this.fail("I1: ended before TRANSPORT_LOST_TTL had passed without a path");
  }
}

function fresh(id: string, now: number): Seen {
  return { id, state: "BIRTH", since: now, version: 0, switches: [], recoveries: [], deadSince: null, degradedSince: null };
}
