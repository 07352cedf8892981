import { deadline } from "#domains/session/clock";
import { type Millis, sooner } from "#kernel/time";
import { ensureCandidates, nextCandidateRetry } from "../client/candidates.ts";
import { guarded } from "../fence/guard.ts";
import { nudge } from "../gateway/nudge.ts";
import type { Turn } from "../turn.ts";
import { type Entry, isLive } from "../world.ts";
import { candidateFor, holdsAuthority, mayRecover } from "./context.ts";
import { drainFindings } from "./findings.ts";
import { leave } from "./leave.ts";
import { probingChangesAt, settleProbing } from "./probing.ts";
import { dispatch } from "./sessions.ts";
import { shunnedNow, unshunnedAt } from "./shun.ts";
import { settleWish } from "./wish.ts";

/** Rounds of follow-ups per turn. Remaining ones wait for the next deadline. */
const ROUNDS_MAX = 8;

/**
 * Ends a turn: handles the findings and does everything that the new state permits. It decides by the state and not by
 * the event, so that a lost event loses no opportunity.
 */
export function settle(turn: Turn): void {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    drainFindings(turn);
    // Sessions that end meanwhile are appended and visited by this loop; removing each would be quadratic.
    for (const entry of turn.ended) leave(turn, entry);
    turn.ended.length = 0;
    const moved = [...turn.touched.values()].filter((entry) => isLive(entry) && followUp(turn, entry));
    if (moved.length === 0 && turn.findings.length === 0 && turn.ended.length === 0) break;
  }
  for (const entry of turn.touched.values()) {
    if (!isLive(entry)) continue;
    settleProbing(turn, entry);
    settleWish(turn, entry);
    turn.world.deadlines.set(entry.session.handle, nextLook(turn, entry));
  }
}

/** True if the session changed. */
function followUp(turn: Turn, entry: Entry): boolean {
  if (entry.keys.expired && entry.session.state === "ATTACHED") {
    const numbers = { keysAgeMs: turn.now - entry.keys.agreedAt };
    dispatch(turn, entry, { type: "ThresholdExceeded", path: entry.session.active, reason: "rekey_failed", numbers });
    return true;
  }
  if (entry.session.role === "gateway") {
    nudge(turn, entry);
    return false;
  }
  ensureCandidates(turn, entry);
  switch (entry.session.state) {
    case "VOLATILE":
      return takeCandidate(turn, entry);
    case "DEGRADED":
      return entry.session.wait?.denies !== "every_attempt" && takeCandidate(turn, entry);
    case "ATTACHED":
      return takeBetter(turn, entry);
    default:
      return false;
  }
}

function takeCandidate(turn: Turn, entry: Entry): boolean {
  if (!holdsAuthority(turn) || candidateFor(turn, entry, null) === null) return false;
  const before = entry.session;
  dispatch(turn, entry, { type: "CandidateAvailable", reason: "candidate_available" });
  return entry.session !== before;
}

/** Switches to a better path. A denial is dispatched once; the next attempt waits until the limits permit it. */
function takeBetter(turn: Turn, entry: Entry): boolean {
  const { session } = entry;
  if (session.state !== "ATTACHED" || entry.electiveAt > turn.now) return false;
  const { transport } = turn.world.domains;
  const choice = guarded(
    turn,
    "transport",
    () => transport.better(entry.transport, session.active, entry.policy, turn.now),
    null,
  );
  if (choice === null || shunnedNow(entry, turn.now).includes(choice.path)) return false;
  const verdict = mayRecover(turn, entry, "elective");
  if (!verdict.allowed) entry.electiveAt = turn.now + Math.max(1, verdict.retryAfterMs);
  dispatch(turn, entry, { type: "SwitchRequested", target: choice.path, reason: choice.reason, verdict });
  return entry.session !== session;
}

/** The earliest time at which this session needs a Tick; `null` = none. */
function nextLook(turn: Turn, entry: Entry): Millis | null {
  const own = sooner(deadline(entry.session, entry.policy.session), entry.wish?.until ?? null);
  const clocks = sooner(own, probingChangesAt(entry, turn.now));
  if (entry.session.role === "gateway") return sooner(clocks, entry.ask?.at ?? null);
  const shunned = entry.session.state === "DEGRADED" ? unshunnedAt(entry, turn.now) : null;
  return sooner(sooner(clocks, shunned), sooner(nextCandidateRetry(turn, entry), nextBetter(turn, entry)));
}

function nextBetter(turn: Turn, entry: Entry): Millis | null {
  const { session } = entry;
  if (session.state !== "ATTACHED") return null;
  const { transport } = turn.world.domains;
  const at = guarded(turn, "transport", () => transport.betterAt(entry.transport, session.active, entry.policy, turn.now), null);
  return at === null ? null : Math.max(at, entry.electiveAt, turn.now + 1);
}
