import type { Numbers } from "#kernel/contract/event";
import type { Proof } from "#kernel/contract/proof";
import type { Reason } from "#kernel/contract/reason";
import type { PathId } from "#kernel/contract/state";
import type { Millis } from "#kernel/time";
import type { Occurrence } from "./event.ts";
import type { Context, Session } from "./model.ts";
import { activeOf, RETRY_INTERVAL_MS } from "./model.ts";
import type { ReasonSource } from "./row.ts";

/** One event with everything that a row and its actions read. */
export interface EventContext {
  readonly event: Occurrence;
  readonly context: Context;
  readonly now: Millis;
}

interface Denial {
  readonly reason: Reason;
  readonly retryAfterMs: Millis;
  readonly used: number | null;
  readonly max: number | null;
}

/** The target path of a jump. */
export function targetOf(given: EventContext, session: Session): PathId | null {
  const { event } = given;
  switch (event.type) {
    case "SwitchRequested":
      return event.target;
    case "StabilityRestored":
      return event.path;
    case "AttachValidated":
      return event.path;
    default:
      return given.context.candidate ?? activeOf(session);
  }
}

/** The denial that applies to this event: its reason, and how long it lasts. */
export function denialOf(given: EventContext): Denial {
  const { event, context } = given;
  if (event.type === "PeerDenied") return { reason: event.reason, retryAfterMs: event.retryAfterMs, used: null, max: null };
  if (event.type === "ValidationFailed")
    return { reason: "reattach_validation_failed", retryAfterMs: RETRY_INTERVAL_MS, used: null, max: null };
  if (!context.authority) return { reason: "authority_lost", retryAfterMs: RETRY_INTERVAL_MS, used: null, max: null };
  const verdict = "verdict" in event ? event.verdict : context.verdict;
  if (verdict.allowed) return { reason: "policy_denied", retryAfterMs: RETRY_INTERVAL_MS, used: null, max: null };
  return verdict;
}

/** The event's own reason. */
export function causeOf(event: Occurrence): Reason {
  switch (event.type) {
    case "HandshakeConfirmed":
      return event.refusal ?? "reattach_validation_failed";
    case "TransportDead":
      return "transport_dead";
    case "AuthorityLost":
      return "authority_lost";
    default:
      return "reason" in event ? event.reason : "invalid_transition";
  }
}

export function reasonFor(because: ReasonSource, given: EventContext): Reason {
  const { event, context } = given;
  if (because === "$cause" && event.type === "HandshakeConfirmed" && !context.authority)
    return event.refusal ?? "authority_unreachable";
  if (because === "$cause") return causeOf(event);
  if (because === "$denial") return denialOf(given).reason;
  return because;
}

/** The proof in an event, or `null`. */
export function proofOf(event: Occurrence): Proof | null {
  return "proof" in event ? event.proof : null;
}

/** The numbers in an event; empty if it has none. */
export function numbersOf(event: Occurrence): Numbers {
  return "numbers" in event ? event.numbers : {};
}
