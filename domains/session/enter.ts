import type { Reason } from "#kernel/contract/reason";
import type { PathId, StateName } from "#kernel/contract/state";
import { invariant, unreachable } from "#kernel/invariant";
import { attached } from "./attached.ts";
import type { EventContext } from "./event-context.ts";
import { denialOf, proofOf, targetOf } from "./event-context.ts";
import type { Clocks, Identity, Session, Wait } from "./model.ts";
import { activeOf, RETRY_INTERVAL_MS } from "./model.ts";

/** What outlives a transition besides the identity. */
export interface Facts extends Clocks {
  readonly active: PathId | null;
  /** A row that denies or aborts sets the time of the next attempt. */
  readonly retry: "none" | "denied" | "soon";
}

/** Denials of a switch; proving the same path again is none. */
const SWITCH_LIMITS: ReadonlySet<Reason> = new Set(["switch_rate_limited", "cooldown_active"]);

/** The clocks of a state; ATTACHED and BIRTH have none running. */
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

/** Makes the next state. Every member is written out, so that no field of the old state leaks into the new one. */
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
      return { state: "TERMINATED", ...identity, reason, endedAt: now };
    case "BIRTH":
      invariant(false, "nothing leads back to BIRTH");
      return from;
    default:
      return unreachable(to);
  }
}

/** What the client's next attempt waits for after what just happened. A gateway makes none. */
export function waitFor(session: Session, facts: Facts, given: EventContext): Wait | null {
  if (facts.retry === "none" || session.role === "gateway") return null;
  if (facts.retry === "soon") return { until: given.now + RETRY_INTERVAL_MS, denies: "every_attempt" };
  const running = session.state === "DEGRADED" ? session.wait : null;
  const { reason, retryAfterMs } = denialOf(given);
  const ours = given.event.type !== "PeerDenied" && SWITCH_LIMITS.has(reason);
  // What holds up every attempt is not shortened by what denies some.
  if (ours && running?.denies === "every_attempt" && running.until > given.now) return running;
  return { until: given.now + Math.max(1, retryAfterMs), denies: ours ? "other_paths" : "every_attempt" };
}

function successor(from: Session): Identity {
  const version = Number.isSafeInteger(from.version) ? from.version + 1 : 1;
  return { id: from.id, handle: from.handle, role: from.role, version, bornAt: from.bornAt, bindSeq: from.bindSeq };
}
