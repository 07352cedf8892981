import type { RecoveryKind } from "#domains/policy/budget";
import type { SessionEvent } from "#domains/session/event";
import { activeOf, type Context, lastActiveOf } from "#domains/session/model";
import type { PathId } from "#kernel/contract/state";
import { ALLOWED, UNDECIDED, type Verdict } from "#kernel/contract/verdict";
import { guarded } from "../fence/guard.ts";
import type { Turn } from "../turn.ts";
import type { Entry } from "../world.ts";
import { shunnedNow } from "./shun.ts";

/** The facts from other domains for judging an event. A candidate is searched only if a row can use one. */
export function contextFor(turn: Turn, entry: Entry, event: SessionEvent): Context {
  const limits = entry.policy.session;
  const authority = holdsAuthority(turn);
  const context = (candidate: PathId | null, verdict: Verdict): Context => ({ limits, authority, candidate, verdict });
  const candidate = asksForCandidate(event, entry, turn) ? candidateFor(turn, entry, event) : null;
  if (candidate === null || entry.session.role === "gateway") return context(candidate, ALLOWED);
  const verdict = mayRecover(turn, entry, kindOf(entry, event, candidate));
  const own = verdict.allowed ? null : instead(turn, entry, candidate);
  // A move is denied, but the previous path is stable again: proving it again costs no switch.
  return own === null ? context(candidate, verdict) : context(own, mayRecover(turn, entry, proofOnSamePath(entry)));
}

/** The previous path of a degraded session if it may replace a denied candidate; else `null`. */
function instead(turn: Turn, entry: Entry, denied: PathId): PathId | null {
  const own = lastActiveOf(entry.session);
  if (entry.session.state !== "DEGRADED" || own === null || own === denied || !isStable(entry, own)) return null;
  const shunned = shunnedNow(entry, turn.now);
  return shunned.includes(own) && !shunned.includes(denied) ? null : own;
}

/** A new proof on the active path can wait; on the path that was lost it brings the session back. */
export function proofOnSamePath({ session }: Entry): RecoveryKind {
  return activeOf(session) === null ? "restore" : "revalidate";
}

/** Whether the budgets permit a move of `kind`. */
export function mayRecover(turn: Turn, entry: Entry, kind: RecoveryKind): Verdict {
  const { policy } = turn.world.domains;
  const ask = () => policy.mayRecover(entry.budget, entry.policy, kind, entry.session.role, turn.now);
  return guarded(turn, "policy", ask, UNDECIDED);
}

/** Whether this node has authority now. If the cluster domain fails, it has none: consistency before availability. */
export function holdsAuthority(turn: Turn): boolean {
  const { domains, authority } = turn.world;
  return guarded(turn, "cluster", () => domains.cluster.holds(authority, turn.now), false);
}

/** The best candidate path; shunned paths are chosen last. `null` = none: with expired keys no path is of use. */
export function candidateFor(turn: Turn, entry: Entry, event: SessionEvent | null): PathId | null {
  if (entry.keys.expired) return null;
  const exclude = excluded(entry, event);
  const shunned = shunnedNow(entry, turn.now);
  return choose(turn, entry, [...exclude, ...shunned]) ?? (shunned.length > 0 ? choose(turn, entry, exclude) : null);
}

/** True while the path is a stable candidate. */
export function isStable(entry: Entry, path: PathId): boolean {
  return entry.transport.paths.some((known) => known.id === path && known.stableSince !== null);
}

function choose(turn: Turn, entry: Entry, exclude: readonly PathId[]): PathId | null {
  const { transport } = turn.world.domains;
  return guarded(
    turn,
    "transport",
    () => transport.choose(entry.transport, entry.policy, turn.now, { exclude })?.path ?? null,
    null,
  );
}

function excluded(entry: Entry, event: SessionEvent | null): readonly PathId[] {
  const { session } = entry;
  const paths = new Set<PathId>();
  const active = activeOf(session);
  if (active !== null && session.state !== "DEGRADED") paths.add(active);
  if (session.state === "RECOVERING") paths.add(session.target);
  if (event !== null && "path" in event) paths.add(event.path);
  return [...paths];
}

function asksForCandidate(event: SessionEvent, entry: Entry, turn: Turn): boolean {
  const { session } = entry;
  if (session.state === "BIRTH" || session.state === "TERMINATED") return false;
  if (session.state === "DEGRADED" && session.wait !== null && session.wait.until <= turn.now) return true;
  return ["CandidateAvailable", "TransportDead", "ThresholdExceeded", "TargetFailed"].includes(event.type);
}

function kindOf(entry: Entry, event: SessionEvent, candidate: PathId): RecoveryKind {
  const active = activeOf(entry.session);
  if (candidate === lastActiveOf(entry.session) && event.type !== "TransportDead") return proofOnSamePath(entry);
  const dies = event.type === "TransportDead" && event.path === active;
  return active === null || dies ? "emergency" : "elective";
}
