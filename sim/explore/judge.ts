import type { Effect, Input } from "#core/contract";
import type { Entry, World } from "#core/world";
import type { Policy } from "#domains/policy/model";
import { activeOf } from "#domains/session/model";
import type { CoreEvent } from "#kernel/contract/event";
import type { PathId, SessionHandle } from "#kernel/contract/state";
import { type Bounds, Checker, type Seen } from "#transcripts/checker";
import { AuthorityLaw, EndLaw, StoreLaw, storeFault } from "./doors.ts";
import { ReplyLaw } from "./replies.ts";
import { StandingLaw } from "./standing.ts";
import { type Court, cooldown, FAILURES_WINDOW_MS, failed, RETRY_MS, refusedSession, transitions } from "./transitions.ts";
import type { Walk } from "./walk.ts";
import { alive, Watch } from "./watch.ts";

/** One input causes at most this many effects: bounded work (I16). */
const EFFECTS_MAX = 64;

/** State that certain inputs must not change. Values are immutable, so identity means equality. */
interface Before {
  readonly entries: readonly (readonly [number, Entry])[];
}

/** Paths that are surely alive, by session; a session with a path that nobody can be sure of is left out. */
type Living = ReadonlyMap<SessionHandle, readonly PathId[]>;

/**
 * Checks one world against the invariants. It knows inputs, effects and the policies by name. It reads the core's state
 * only to compare it with its own record. The checker of the transcripts checks I4, I7, I8 and I10.
 */
export class Judge implements Court {
  readonly #checker: Checker;
  readonly client: boolean;
  /** The gateway's offer, which a client's own policy cannot loosen. */
  readonly offered: Policy;
  local: Policy;
  policyValid = true;
  readonly #authority: AuthorityLaw;
  readonly #store: StoreLaw;
  readonly #end: EndLaw;
  readonly #standing: StandingLaw;
  readonly #replies: ReplyLaw;
  #watches: Watch[] = [];
  /** Highest handle that was used; the engine never reuses one. */
  newest = 0;
  /** Interface of each open path. */
  readonly #sockets = new Map<number, string>();

  constructor(client: boolean, offered: Policy, from: Judge | null = null) {
    this.client = client;
    this.offered = offered;
    this.local = from === null ? this.offered : from.local;
    this.#checker = from === null ? new Checker(this.#bounds()) : from.#checker.fork();
    this.#authority = new AuthorityLaw(from === null ? null : from.#authority);
    this.#store = new StoreLaw(from === null ? null : from.#store);
    this.#end = new EndLaw(from === null ? null : from.#end);
    this.#standing = new StandingLaw(from === null ? null : from.#standing);
    this.#replies = new ReplyLaw(from === null ? null : from.#replies);
    if (from === null) return;
    this.policyValid = from.policyValid;
    this.newest = from.newest;
    this.#watches = from.#watches.map((watch) => watch.fork());
    for (const [id, socket] of from.#sockets) this.#sockets.set(id, socket);
  }

  fork(): Judge {
    return new Judge(this.client, this.offered, this);
  }

  get broken(): readonly string[] {
    return this.#checker.broken;
  }

  get paths(): readonly number[] {
    return this.#watches.flatMap((watch) => watch.paths.map(({ id }) => id));
  }

  /** Takes part in the name of a state: two worlds that look alike to the core but not to the laws are different. */
  name(walk: Walk): void {
    walk.value([this.policyValid, this.authority, this.#end.byOperator, this.local.name], "");
    walk.member("deadline", this.#authority.until);
    this.#replies.name(walk);
    for (const watch of this.#watches) {
      const { paths, attempt, failures, bornAt, ...rest } = watch;
      walk.value(rest, "");
      walk.value({ since: attempt?.since ?? null, target: attempt?.path ?? null, switches: failures, bornAt }, "");
      for (const { id, condition, linkLost, answered, told } of paths)
        walk.value([{ path: id }, condition, linkLost, answered, told], "");
      const seen = this.#checker.seen(watch.id);
      if (seen !== undefined) walk.value({ ...seen, id: 0, since: seen.state === "VOLATILE" ? seen.since : null }, "");
    }
  }

  /** What an input finds, to be compared afterwards. */
  before(world: World, input: Input): Before {
    if (!guardedAgainst(input)) return { entries: [] };
    return { entries: [...world.sessions.entries()].map(([handle, entry]) => [handle, { ...entry }] as const) };
  }

  /** Before the core has its say. */
  hear(input: Input, now: number): void {
    if (input.type === "PolicyOffered") {
      this.policyValid = input.outcome.ok;
      if (input.outcome.ok) this.local = input.outcome.policy.base;
      this.#checker.bounds = this.#bounds();
    }
    this.#end.hear(input);
    if (input.type === "Authority") this.#authority.hear(input.event);
    this.#expire(now);
    if (input.type !== "Engine") return;
    const { report } = input;
    for (const watch of this.#watches) {
      watch.hear(report);
      if (watch.keysExpired) watch.mayDegradeSince ??= now;
      if (report.type === "ValidationFailed" && report.attributable && report.session === watch.handle)
        watch.failures = [...watch.failures.filter((at) => now - at <= FAILURES_WINDOW_MS), now];
    }
  }

  /** After it. `world` is compared, never trusted. */
  watch(world: World, before: Before, living: Living, input: Input, effects: readonly Effect[], now: number): void {
    if (effects.length > EFFECTS_MAX) this.complain(`I16: ${effects.length} effects of one input`);
    this.#openings(effects);
    this.#births(input, effects, now);
    const stored = this.#store.hear(input, effects, this.newest, this.#watches, (what) => this.complain(what));
    const attempts = new Map(this.#watches.map((watch) => [watch.handle, { attempt: watch.attempt, bindSeq: watch.bindSeq }]));
    for (const watch of this.#watches) {
      if (completes(watch, input, effects)) watch.attempt = null;
      for (const effect of effects) {
        this.#attempt(watch, effect, now);
        watch.obey(effect, now, this.local.session.attemptTimeoutMs);
      }
    }
    this.#checker.watch(effects, now, (session) => this.#proves(input, session));
    if (stored !== null) {
      const fault = storeFault(stored.outcome, this.#checker.seen(stored.watch.id)?.state, effects);
      if (fault !== null) this.complain(fault);
    }
    for (const watch of this.#watches) {
      const seen = this.#checker.seen(watch.id);
      if (seen === undefined) continue;
      const events = effects.length === 0 ? NO_EVENTS : eventsOf(effects, watch.id);
      transitions(this, watch, seen, events, attempts.get(watch.handle), input, effects, now);
      const lived = living.get(watch.handle);
      if (lived !== undefined && !unsure(watch)) this.#deaths(watch, seen, lived, events);
      if (watch.keysExpired) watch.mayDegradeSince ??= now;
      if (seen.state !== "BIRTH") watch.loseActive(now);
      if (seen.state === "ATTACHED" && watch.keysExpired) this.complain("the keys have expired and the session is ATTACHED");
      this.#compare(world, watch, seen, events, input);
      this.#ready(watch, seen, now);
    }
    this.#unblamed(world, before, input);
    this.#failures(input, now);
    this.#refusal(input, before);
    const lives = (session: SessionHandle): boolean => this.#alive(session);
    this.#replies.hear(input, effects, lives, now, (what) => this.complain(what));
    if (this.client && this.#end.isBroken(effects)) this.complain("an ended session was dialled again");
    const untold = this.client
      ? this.#standing.client(input, effects, this.#watches)
      : this.#standing.gateway(effects, this.#watches);
    if (untold !== null) this.complain(untold);
    this.#watches = this.#watches.filter(({ id }) => this.#checker.seen(id)?.state !== "TERMINATED");
  }

  /** A gateway's session may have proved itself long ago: it waits in BIRTH for the store. */
  #proves(input: Input, session: string): boolean {
    const watch = this.#watches.find(({ id }) => id === session);
    if (watch === undefined) return false;
    if (!this.client && watch.stored && this.#checker.seen(session)?.state === "BIRTH") return true;
    if (input.type !== "Engine") return false;
    const { report } = input;
    return (report.type === "AttachValidated" || report.type === "AttachRequested") && report.session === watch.handle;
  }

  /** To be asked before `hear`. */
  living(): Living {
    const sure = this.#watches.filter((watch) => !unsure(watch));
    return new Map(sure.map((watch) => [watch.handle, watch.paths.filter(alive).map(({ id }) => id)]));
  }

  /** Time passed, and every Tick that the core asked for was given: no clock may be overdue. */
  pass(now: number): void {
    this.#expire(now);
    this.#checker.pass(now);
    this.#replies.pass(now, (what) => this.complain(what));
    const { session } = this.local;
    for (const watch of this.#watches) {
      const seen = this.#checker.seen(watch.id);
      if (seen === undefined) continue;
      this.#ready(watch, seen, now);
      const age = now - seen.since;
      const late = (limitMs: number): boolean => age > limitMs;
      if (now - watch.bornAt > this.offered.session.maxLifetimeMs)
        this.complain("clock: SESSION_MAX_LIFETIME passed and the session lives");
      if (seen.state === "ATTACHED" && !this.authority) this.complain("I12: authority ended and the session is ATTACHED");
      if (seen.state === "BIRTH" && late(session.birthTtlMs)) this.complain("clock: BIRTH_TTL passed");
      if (seen.state === "VOLATILE" && late(session.volatileMaxMs)) this.complain("clock: VOLATILE_MAX passed");
      if (watch.attempt !== null && now - watch.attempt.since > watch.attempt.timeoutMs)
        this.complain("clock: ATTEMPT_TIMEOUT passed");
      if (watch.readySince !== null && now - watch.readySince > RETRY_MS)
        this.complain(`I22: ${seen.state} for ${now - watch.readySince} ms with a stable candidate, authority and budget`);
    }
  }

  /** Traffic was measured: what it did to a path is the transport domain's to say. */
  measured(path: number, now: number): void {
    for (const watch of this.#watches) {
      const seen = watch.path(path);
      if (seen !== undefined && alive(seen)) seen.condition = "unsure";
      watch.mayDegradeSince ??= now;
    }
  }

  /** Id of an operator's newest request. */
  get requests(): number {
    return this.#replies.newest;
  }

  get authority(): boolean {
    return this.#authority.held;
  }

  #expire(now: number): void {
    this.#authority.pass(now);
    if (!this.authority) for (const watch of this.#watches) watch.mayDegradeSince ??= now;
  }

  complain(what: string): void {
    this.#checker.fail(what);
  }

  #bounds(): Bounds {
    const { switch: limits, session } = this.client ? this.offered : this.local;
    return {
      switchesPerMin: limits.maxPerMin,
      recoveriesPerMin: limits.recoveriesPerMin,
      reserves: this.client,
      windowMs: this.client ? 60_000 : 55_000,
      transportLostTtlMs: session.transportLostTtlMs,
      degradedMaxMs: session.degradedMaxMs,
    };
  }

  #openings(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.type !== "Engine") continue;
      if (effect.command.type === "OpenPath") this.#sockets.set(effect.command.path, effect.command.description.interface ?? "");
      if (effect.command.type === "ClosePath") this.#sockets.delete(effect.command.path);
    }
  }

  /** A session that the engine may speak of from here on. Its paths are those that exist, none of them proven. */
  #births(input: Input, effects: readonly Effect[], now: number): void {
    if (input.type === "Engine" && input.report.type !== "Refused" && "session" in input.report)
      this.newest = Math.max(this.newest, input.report.session);
    for (const effect of effects) {
      if (effect.type !== "Event" || effect.event.type !== "SessionCreated" || effect.event.session === undefined) continue;
      this.#watches.push(new Watch(this.newest, effect.event.session, this.client ? "client" : "gateway", now));
    }
    for (const watch of this.#watches) {
      if (this.client)
        for (const [id, ifname] of this.#sockets)
          if (watch.path(id) === undefined)
            watch.paths.push({ id, ifname, condition: "cold", linkLost: false, answered: false, told: false });
      if (input.type !== "Engine" || this.client) continue;
      const { report } = input;
      const made = ["HandshakeConfirmed", "PathValidated", "AttachRequested"].includes(report.type);
      if (report.type === "Refused" || !made || !("path" in report) || !("session" in report) || report.session !== watch.handle)
        continue;
      if (report.type === "HandshakeConfirmed" && watch.bornAt !== now) continue;
      if (watch.path(report.path) === undefined)
        watch.paths.push({
          id: report.path,
          ifname: "",
          condition: "good",
          linkLost: false,
          answered: false,
          told: false,
        });
    }
    if (!this.client && input.type === "Engine" && input.report.type === "PathClosed") {
      const { session, path } = input.report;
      for (const watch of this.#watches) if (watch.handle === session) watch.paths = watch.paths.filter(({ id }) => id !== path);
    }
  }

  /** An attempt names a bind seq that was never used, and is ended before the next one. */
  #attempt(watch: Watch, effect: Effect, now: number): void {
    if (effect.type !== "Engine" || !("session" in effect.command) || effect.command.session !== watch.handle) return;
    const { command } = effect;
    if (command.type === "Attach") {
      if (watch.attempt !== null) this.complain("I6: a second attempt while one runs");
      if (watch.path(command.path)?.condition === "bad") this.complain("a dead path is the target of an attempt");
      if (command.reason !== "switch_requested" && watch.avoids(command.path, now))
        this.complain("a target that failed is tried again before its time, and another is there");
      if (command.reason !== "switch_requested" && watch.keysExpired)
        this.complain("a path is tried although no packet passes on any");
      if (command.bindSeq <= watch.bindSeq) this.complain(`I2: bind seq ${command.bindSeq} was used before`);
    }
    if (command.type === "AbortAttach" && command.bindSeq !== watch.attempt?.bindSeq)
      this.complain("an attempt was aborted that does not run");
    if (command.type === "AbortAttach" && command.restore !== null && command.restore !== watch.active)
      this.complain("I13: a failed attempt restores another path than the active one");
    if (command.type === "AnswerAttach" && command.denyReason !== null && !(command.retryAfterMs > 0))
      this.complain("a denial names no time to ask again");
  }

  /** I1, I6: a death is told once, to the engine as well. */
  #deaths(watch: Watch, seen: Seen, living: readonly PathId[], events: readonly CoreEvent[]): void {
    const told = events.filter(({ type }) => type === "TransportDead").length;
    const lost = living.filter((id) => (watch.path(id)?.condition ?? "bad") === "bad").length;
    if (seen.state !== "TERMINATED" && lost > 0 && told !== lost) this.complain(`I4: ${lost} deaths and ${told} TransportDead`);
    for (const path of watch.paths) {
      if (path.condition === "bad" && !path.told && seen.state !== "TERMINATED")
        this.complain("the engine was not told of a dead path");
      if (alive(path) && path.told) this.complain("the engine takes a living path for dead");
    }
  }

  /** The core's record of a session against the judge's. */
  #compare(world: World, watch: Watch, seen: Seen, events: readonly CoreEvent[], input: Input): void {
    const entry = world.sessions.get(watch.handle);
    if (seen.state === "TERMINATED") {
      if (entry !== undefined) this.complain("I7: a terminated session stayed");
      return;
    }
    if (entry === undefined) {
      this.complain("I7: a session vanished");
      return;
    }
    const { session } = entry;
    if (session.id !== watch.id) this.complain("I2: the session id changed");
    if (session.state !== seen.state || session.version !== seen.version) this.complain("I4: a transition without its event");
    if (seen.state === "BIRTH") return;
    if (activeOf(session) !== watch.active)
      this.complain(`I6: active path ${activeOf(session)}, and ${watch.active} by the reports`);
    if (seen.state === "ATTACHED" && watch.active === null) this.complain("I5: ATTACHED without a living path");
    if (seen.state === "ATTACHED" && !this.authority && input.type !== "Tick") this.complain("I12: ATTACHED without authority");
    if ("transportlessSince" in session && session.transportlessSince !== watch.missedSince)
      this.complain(`I8: the transportless clock runs from ${session.transportlessSince}, not from ${watch.missedSince}`);
    if (
      "degradedSince" in session &&
      seen.degradedSince !== null &&
      !(session.degradedSince !== null && session.degradedSince <= seen.degradedSince)
    )
      this.complain(`I8: the degraded clock runs from ${session.degradedSince}, not from ${seen.degradedSince}`);
    if (this.client && (seen.state === "RECOVERING") !== (watch.attempt !== null))
      this.complain("RECOVERING is exactly a running attempt");
    if (seen.state !== "ATTACHED" && watch.probing === 0) this.complain(`${seen.state} and nothing is probed`);
    const suspected = watch.path(watch.active)?.condition;
    if (
      seen.state === "ATTACHED" &&
      suspected === "good" &&
      watch.probing !== 0 &&
      !events.some(({ type }) => type === "PathCleared")
    )
      this.complain("a healthy session goes on probing");
  }

  /** I22: from when on nothing but the core itself keeps the client from recovering. */
  #ready(watch: Watch, seen: Seen, now: number): void {
    const waits = seen.state === "DEGRADED" || seen.state === "VOLATILE";
    if (
      !this.client ||
      !waits ||
      !this.authority ||
      watch.keysExpired ||
      now < watch.blockedUntil ||
      !this.#permitted(watch, seen, now)
    )
      watch.readySince = null;
    else watch.readySince ??= now;
  }

  #permitted(watch: Watch, seen: Seen, now: number): boolean {
    const { switchesPerMin, recoveriesPerMin } = this.#checker.bounds;
    const spent = ({ usedUp, electiveUsedUp }: ReturnType<Checker["use"]>): boolean =>
      usedUp || (electiveUsedUp && seen.deadSince === null);
    if (spent(this.#checker.use(seen.recoveries, recoveriesPerMin, now))) return false;
    const good = watch.paths.filter(({ condition }) => condition === "good").map(({ id }) => id);
    const own = watch.active ?? watch.missed;
    const fit = own !== null && good.includes(own) && !watch.avoids(own, now);
    if (fit && (seen.state === "DEGRADED" || watch.missed !== null)) return true;
    if (now < watch.movesBlockedUntil || !good.some((id) => id !== own)) return false;
    if (spent(this.#checker.use(seen.switches, switchesPerMin, now))) return false;
    const { limitMs, since } = cooldown(this, watch);
    return since === null || now - since >= limitMs;
  }

  /** I11, I13, I15: what certain inputs may not touch. */
  #unblamed(world: World, before: Before, input: Input): void {
    for (const [handle, old] of before.entries) {
      const entry = world.sessions.get(handle);
      if (entry === undefined) continue;
      if (input.type === "PolicyOffered" && !input.outcome.ok && entry.policy !== old.policy)
        this.complain("I15: an invalid policy took a running session's policy away");
      if (input.type !== "Engine") continue;
      const { report } = input;
      if (report.type === "Dropped" || (report.type === "ValidationFailed" && !report.attributable)) {
        const same = entry.session === old.session && entry.transport === old.transport && entry.budget === old.budget;
        if (!same) this.complain("I11: an unattributable failure changed the state");
      }
      if (report.type === "ValidationFailed" && report.session === handle && activeOf(entry.session) !== activeOf(old.session))
        this.complain("I13: a security failure changed the active path");
    }
  }

  /** I14: more attributable failures than the budget end the session. */
  #failures(input: Input, now: number): void {
    if (input.type !== "Engine" || input.report.type !== "ValidationFailed" || !input.report.attributable) return;
    for (const watch of this.#watches) {
      const state = this.#checker.seen(watch.id)?.state;
      if (watch.handle !== input.report.session || state === "TERMINATED" || state === "BIRTH") continue;
      if (failed(watch, now) > this.local.security.validationFailBudget)
        this.complain("I14: the failure budget is exceeded and the session lives");
    }
  }

  /** A refused command ends its session and no other. */
  #refusal(input: Input, before: Before): void {
    if (input.type !== "Engine" || input.report.type !== "Refused") return;
    const refused = refusedSession(input);
    for (const { handle, id } of this.#watches) {
      const state = this.#checker.seen(id)?.state;
      if (handle === refused && state !== "TERMINATED") this.complain("a command was refused and its session lives");
      const was = before.entries.find(([known]) => known === handle)?.[1].session.state;
      if (handle !== refused && was !== "BIRTH" && state !== was)
        this.complain("a command was refused and another session noticed");
    }
  }

  #alive(handle: SessionHandle): boolean {
    const watch = this.#watches.find((one) => one.handle === handle);
    return watch !== undefined && this.#checker.seen(watch.id)?.state !== "TERMINATED";
  }
}

function unsure(watch: Watch): boolean {
  return watch.paths.some(({ condition }) => condition === "unsure");
}

/** The answer to the running attempt, where the core took it for one: what it orders then is a new attempt. */
function completes({ attempt, id }: Watch, input: Input, effects: readonly Effect[]): boolean {
  if (input.type !== "Engine" || input.report.type !== "AttachValidated" || attempt === null) return false;
  const { path, bindSeq } = input.report;
  return path === attempt.path && bindSeq === attempt.bindSeq && eventsOf(effects, id).some(({ to }) => to === "ATTACHED");
}

/** Inputs that may not change certain things: see `#unblamed`. */
function guardedAgainst(input: Input): boolean {
  if (input.type === "PolicyOffered") return !input.outcome.ok;
  return input.type === "Engine" && ["Dropped", "ValidationFailed", "Refused"].includes(input.report.type);
}

const NO_EVENTS: readonly CoreEvent[] = [];

function eventsOf(effects: readonly Effect[], session: string): readonly CoreEvent[] {
  return effects.flatMap((effect) => (effect.type === "Event" && effect.event.session === session ? [effect.event] : []));
}
