import type { Effect } from "#core/contract";
import type { Link, Report } from "#kernel/contract/engine.generated";
import type { CoreEvent } from "#kernel/contract/event";
import type { PathId, Role, SessionHandle } from "#kernel/contract/state";

/**
 * State of a path in one session, by the reports alone. `good` = certainly a stable candidate, `bad` = certainly dead,
 * `suspect` = alive and suspected. `unsure` = a report arrived in an order that no engine sends, or traffic was
 * measured; no law is judged by such a path.
 */
type Condition = "cold" | "good" | "suspect" | "bad" | "unsure";

interface PathSeen {
  readonly id: PathId;
  readonly ifname: string;
  condition: Condition;
  linkLost: boolean;
  answered: boolean;
  /** What the engine was told with SetPathDead. */
  told: boolean;
}

/** What an attempt may fail of that speaks against its target. */
const FRUITLESS: readonly string[] = ["target_unanswered", "target_unstable", "attempt_timeout"];
/** A target that failed gives way to others for this long, doubling. */
const SHUN_FIRST_MS = 2_000;
const SHUN_MAX_MS = 300_000;

/** One session by its inputs and commands alone, as the engine sees it. Never reads the core's own record. */
export class Watch {
  readonly handle: SessionHandle;
  readonly id: string;
  readonly role: Role;
  readonly bornAt: number;
  paths: PathSeen[] = [];
  active: PathId | null = null;
  /** The path that is missed while none is active. */
  missed: PathId | null = null;
  missedSince: number | null = null;
  attempt: { readonly path: PathId; readonly bindSeq: number; readonly since: number; readonly timeoutMs: number } | null = null;
  /** Newest bind seq used (client) or accepted (gateway). */
  bindSeq = 1;
  probing = 0;
  failures: readonly number[] = [];
  lastSwitchAt: number | null = null;
  /** The last switch that a death caused. */
  lastUrgentAt: number | null = null;
  /** A failure, or a denial of any attempt, named this time for the next one. */
  blockedUntil = 0;
  /** A denial of switches named this time: proving the missed path anew is none. */
  movesBlockedUntil = 0;
  /** Failed targets: failures since the last bind, and until when another path must be preferred. */
  shunned: readonly { readonly path: PathId; readonly failures: number; readonly until: number }[] = [];
  /** Since when nothing stands between the session and RECOVERING. */
  readySince: number | null = null;
  /** Earliest time from which the degraded clock may run. */
  mayDegradeSince: number | null = null;
  over = false;
  /** The keys have passed their limit: no path is of use. */
  keysExpired = false;
  /** Gateway: the store gave it its addresses. */
  stored = false;

  constructor(handle: SessionHandle, id: string, role: Role, bornAt: number) {
    this.handle = handle;
    this.id = id;
    this.role = role;
    this.bornAt = bornAt;
  }

  fork(): Watch {
    const copy = Object.assign(new Watch(this.handle, this.id, this.role, this.bornAt), this);
    copy.paths = this.paths.map((path) => ({ ...path }));
    return copy;
  }

  path(id: PathId | null): PathSeen | undefined {
    return this.paths.find((path) => path.id === id);
  }

  /** What the engine reports about paths, before the core acts on it. */
  hear(report: Report): void {
    switch (report.type) {
      case "Links":
        for (const path of this.paths) relink(path, report.links);
        break;
      case "PathError":
        this.#die(report.path);
        break;
      case "Refused":
        break;
      case "KeyExpired":
      case "KeyRotated":
        if (report.session === this.handle) this.keysExpired = report.type === "KeyExpired";
        break;
      default:
        if ("session" in report && report.session === this.handle && "path" in report) this.#hearPath(report);
    }
  }

  #hearPath(report: Extract<Report, { session: number; path: PathId }>): void {
    const path = this.path(report.path);
    if (path === undefined) return;
    switch (report.type) {
      case "PathValidated":
      case "AttachRequested":
        this.#validate(path);
        return;
      case "PathAlive":
        if (path.condition === "cold") return;
        this.#validate(path);
        return;
      case "PathSuspected":
        if (path.condition === "good") path.condition = "suspect";
        return;
      case "PathCleared":
        if (path.condition === "suspect") path.condition = "good";
        return;
      case "PathUnanswered":
        if (path.id === this.active || path.condition === "bad") this.#die(path.id);
        else path.condition = "cold";
        return;
      case "PathClosed":
        path.answered = false;
        this.#die(path.id);
        return;
      case "PathSilent":
        this.#die(path.id);
        return;
      default:
        return;
    }
  }

  #validate(path: PathSeen): void {
    if (path.condition === "unsure") return;
    if (!path.linkLost) path.condition = "good";
    else if (path.condition === "bad") path.answered = true;
    else path.condition = "unsure";
  }

  #die(id: PathId): void {
    const path = this.path(id);
    if (path === undefined || path.condition === "cold" || path.condition === "bad") return;
    path.condition = "bad";
    path.answered = false;
  }

  /** What the core ordered about this session, and what it says of an attempt that ends. */
  obey(effect: Effect, now: number, timeoutMs: number): void {
    if (effect.type === "Event") this.#result(effect.event, now);
    if (effect.type !== "Engine") return;
    const { command } = effect;
    if (command.type === "ClosePath") {
      this.paths = this.paths.filter(({ id }) => id !== command.path);
      return;
    }
    if (!("session" in command) || command.session !== this.handle) return;
    switch (command.type) {
      case "Attach":
        this.attempt = { path: command.path, bindSeq: command.bindSeq, since: now, timeoutMs };
        this.bindSeq = command.bindSeq;
        return;
      case "AbortAttach":
        this.attempt = null;
        return;
      case "SetPathDead": {
        const path = this.path(command.path);
        if (path !== undefined) path.told = command.dead;
        return;
      }
      case "SetProbing":
        this.probing = command.intervalMs;
        return;
      case "AnswerAttach":
        if (command.denyReason === null) this.bindSeq = Math.max(this.bindSeq, command.bindSeq);
        return;
      case "CloseSession":
      case "ForgetSession":
      case "RefuseSession":
        this.over = true;
        return;
      default:
        return;
    }
  }

  #result({ type, session, reason }: CoreEvent, now: number): void {
    if (type !== "AttachResult" || session !== this.id || !FRUITLESS.includes(reason ?? "") || this.attempt === null) return;
    const { path } = this.attempt;
    const failures = (this.shunned.find((one) => one.path === path)?.failures ?? 0) + 1;
    const until = now + Math.min(SHUN_MAX_MS, SHUN_FIRST_MS * 2 ** (failures - 1));
    this.shunned = [...this.shunned.filter((one) => one.path !== path), { path, failures, until }];
  }

  /** `path` failed lately, and there is another good one that did not: it is not the one to be tried. */
  avoids(path: PathId, now: number): boolean {
    const failed = (id: PathId): boolean => this.shunned.some((one) => one.path === id && one.until > now);
    return failed(path) && this.paths.some(({ id, condition }) => condition === "good" && !failed(id));
  }

  /** The session proved itself on `path`. Returns whether the active path changed. */
  bind(path: PathId, now: number): boolean {
    const old = this.active ?? this.missed;
    const moved = old !== null && old !== path;
    if (moved && this.isDead) this.lastUrgentAt = now;
    this.active = path;
    this.shunned = this.shunned.filter((one) => one.path !== path);
    this.missed = null;
    this.missedSince = null;
    this.readySince = null;
    this.mayDegradeSince = null;
    if (moved) this.lastSwitchAt = now;
    return moved;
  }

  /** No path carries the traffic. */
  get isDead(): boolean {
    return this.active === null || (this.path(this.active)?.condition ?? "bad") === "bad";
  }

  /** The active path is gone as soon as it surely died. */
  loseActive(now: number): boolean {
    if (this.active === null) return false;
    const path = this.path(this.active);
    if (path !== undefined && path.condition !== "bad") return false;
    this.missed = this.active;
    this.active = null;
    this.missedSince = now;
    this.mayDegradeSince ??= now;
    return true;
  }
}

/** Surely alive. */
export function alive(path: PathSeen): boolean {
  return path.condition === "good" || path.condition === "suspect";
}

/** A path whose interface, address or route is gone is dead until that is back and it was answered on since. */
function relink(path: PathSeen, links: readonly Link[]): void {
  const link = links.find(({ name }) => name === path.ifname);
  const lost = link === undefined || !link.up || link.routes.length === 0;
  if (lost === path.linkLost) return;
  if (!lost && path.condition === "bad" && path.answered) path.condition = "good";
  if (lost && path.condition !== "cold") path.condition = "bad";
  if (lost) path.answered = false;
  path.linkLost = lost;
}
