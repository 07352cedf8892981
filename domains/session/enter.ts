import type { Reason } from "#kernel/contract/reason";
import type { PathId, StateName } from "#kernel/contract/state";
import { invariant, unreachable } from "#kernel/invariant";
import { attached } from "./attached.ts";
import type { EventContext } from "./event-context.ts";
import { denialOf, proofOf, targetOf } from "./event-context.ts";
import type { Clocks, Identity, Session, Wait } from "./model.ts";
import { activeOf, RETRY_INTERVAL_MS } from "./model.ts";

/** What a transition keeps besides the identity. */
export interface Facts extends Clocks {
  readonly active: PathId | null;
  /** Set by the actions deny and abort; decides the time of the next attempt. */
  readonly retry: "none" | "denied" | "soon";
}

/** Limits that deny a switch but not a new proof on the same path. */
const SWITCH_LIMITS: ReadonlySet<Reason> = new Set(["switch_rate_limited", "cooldown_active"]);

/** The facts of a state. In ATTACHED and BIRTH no clock runs. */
export function factsOf(session: Session): Facts {
  const clocks = "transportlessSince" in session ? session : { transportlessSince: null, degradedSince: null, lastActive: null };
  return {
    active: activeOf(session),
    transportlessSince: clocks.transportlessSince,
    degradedSince: clocks.degradedSince,
    lastActive: clocks.lastActive,
    retry: "none",
  };
}

/** Makes the next state. Every state lists its fields explicitly, so that no field of the old state remains. */
export function enter(to: StateName, from: Session, facts: Facts, reason: Reason, given: EventContext): Session {
  const { now, event, context } = given;
  const { active, transportlessSince, degradedSince, lastActive } = facts;
  const clocks = { active, transportlessSince, degradedSince, lastActive, since: now };
  const identity = successor(from);
  switch (to) {
    case "ATTACHED": {
      const proof = proofOf(event);
      invariant(proof !== null, "a row that leads to ATTACHED is about an event with a proof");
      return attached(from, proof, now);
    }
    case "VOLATILE":
      return { state: "VOLATILE", ...identity, ...clocks, cause: reason };
    case "DEGRADED":
      return { state: "DEGRADED", ...identity, ...clocks, cause: reason, wait: waitFor(from, facts, given) };
    case "RECOVERING": {
      const target = targetOf(given, from);
      invariant(target !== null, "a row that leads to RECOVERING has a target");
      const attempt = event.type === "AttachValidated" ? event.bindSeq : from.bindSeq + 1;
      const timeoutMs = context.limits.attemptTimeoutMs;
      const rest = { cause: reason, target, attempt, timeoutMs };
      return { state: "RECOVERING", ...identity, ...clocks, ...rest, bindSeq: attempt };
    }
    case "TERMINATED":
      return { state: "TERMINATED", ...identity, reason, by: event.type === "PeerClose" ? "peer" : "here", endedAt: now };
    case "BIRTH":
      invariant(false, "nothing leads back to BIRTH");
      return from;
    default:
      return unreachable(to);
  }
}

/** The wait before the client's next attempt; `null` = none. A gateway makes no attempts. */
export function waitFor(session: Session, facts: Facts, given: EventContext): Wait | null {
  if (facts.retry === "none" || session.role === "gateway") return null;
  if (facts.retry === "soon") return { until: given.now + RETRY_INTERVAL_MS, denies: "every_attempt" };
  const running = session.state === "DEGRADED" ? session.wait : null;
  const { reason, retryAfterMs } = denialOf(given);
  const ours = given.event.type !== "PeerDenied" && SWITCH_LIMITS.has(reason);
  // A wait that blocks every attempt is not replaced by one that blocks only moves to other paths.
  if (ours && running?.denies === "every_attempt" && running.until > given.now) return running;
  return { until: given.now + Math.max(1, retryAfterMs), denies: ours ? "other_paths" : "every_attempt" };
}

function successor(from: Session): Identity {
  const version = Number.isSafeInteger(from.version) ? from.version + 1 : 1;
  return { id: from.id, handle: from.handle, role: from.role, version, bornAt: from.bornAt, bindSeq: from.bindSeq };
}
