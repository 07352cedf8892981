import { Proof } from "#kernel/contract/proof";
import type { PathId } from "#kernel/contract/state";
import { unreachable } from "#kernel/invariant";
import type { Millis } from "#kernel/time";
import type { Occurrence, OccurrenceType, SessionEvent } from "./event.ts";
import type { Context, Session } from "./model.ts";
import { activeOf, lastActiveOf } from "./model.ts";

/**
 * The guards of each event type. `classify` returns exactly one of them, so the rows of one (state, role, event) are
 * disjoint by construction, and the table only has to be complete.
 */
export const GUARDS = {
  HandshakeConfirmed: ["accepted", "refused"],
  CandidateAvailable: ["none", "wait", "allowed", "denied"],
  TransportDead: ["other", "target_alone", "target_allowed", "active_alone", "active_allowed", "active_denied"],
  ThresholdExceeded: ["other", "alone", "allowed", "denied"],
  StabilityRestored: ["other", "allowed", "denied"],
  SwitchRequested: ["allowed", "denied"],
  AttachValidated: ["stale", "on_active", "fresh", "denied"],
  PeerDenied: ["stale", "current"],
  TargetFailed: ["stale", "alone", "allowed"],
  ValidationFailed: ["unattributable", "tolerated", "exhausted"],
  AuthorityLost: ["always"],
  AuthorityRegained: ["always"],
  OperatorTerminate: ["always"],
  PeerClose: ["always"],
  Superseded: ["always"],
  CloneDetected: ["always"],
  KeysLost: ["always"],
  PolicyInvalid: ["always"],
  PolicyUpdated: ["always"],
  OwnershipMoved: ["always"],
  Tick: ["always"],
  LifetimeExceeded: ["always"],
  BirthTimedOut: ["always"],
  TransportLostTooLong: ["always"],
  DegradedTooLong: ["always"],
  AttemptTimedOut: ["always"],
  VolatilePersisted: ["always"],
  IntegrityBroken: ["always"],
} as const satisfies Record<OccurrenceType, readonly string[]>;

export type GuardOf<E extends OccurrenceType> = (typeof GUARDS)[E][number];
export type Guard = GuardOf<OccurrenceType>;

/** The guard of this event for this session. Total. */
export function classify(session: Session, event: Occurrence, context: Context, now: Millis): Guard {
  switch (event.type) {
    case "HandshakeConfirmed":
      return event.refusal === null && context.authority && Proof.genuine(event.proof) ? "accepted" : "refused";
    case "CandidateAvailable":
      return waits(session, context, now) ? "wait" : move(context, "none");
    case "TransportDead":
      return dead(session, event.path, context);
    case "ThresholdExceeded":
      return event.path === activeOf(session) ? move(context, "alone") : "other";
    case "StabilityRestored":
      if (event.path !== activeOf(session)) return "other";
      return event.verdict.allowed ? "allowed" : "denied";
    case "SwitchRequested":
      return event.verdict.allowed && context.authority ? "allowed" : "denied";
    case "AttachValidated":
      return attach(session, event, context);
    case "PeerDenied":
      return event.bindSeq === attemptOf(session) ? "current" : "stale";
    case "TargetFailed":
      if (session.state !== "RECOVERING" || event.path !== session.target) return "stale";
      if (event.bindSeq !== null && event.bindSeq !== session.attempt) return "stale";
      return move(context, "alone") === "allowed" ? "allowed" : "alone";
    case "ValidationFailed":
      if (!event.attributable) return "unattributable";
      return event.exhausted ? "exhausted" : "tolerated";
    case "AuthorityLost":
    case "AuthorityRegained":
    case "OperatorTerminate":
    case "PeerClose":
    case "Superseded":
    case "CloneDetected":
    case "KeysLost":
    case "PolicyInvalid":
    case "PolicyUpdated":
    case "OwnershipMoved":
    case "Tick":
    case "LifetimeExceeded":
    case "BirthTimedOut":
    case "TransportLostTooLong":
    case "DegradedTooLong":
    case "AttemptTimedOut":
    case "VolatilePersisted":
    case "IntegrityBroken":
      return "always";
    default:
      return unreachable(event);
  }
}

function waits(session: Session, context: Context, now: Millis): boolean {
  if (session.state !== "DEGRADED" || session.wait === null || session.wait.until <= now) return false;
  return session.wait.denies === "every_attempt" || context.candidate !== lastActiveOf(session);
}

/** A jump needs a candidate, this node's authority, and permission by the budgets. */
function move<None extends string>(context: Context, none: None): None | "allowed" | "denied" {
  if (context.candidate === null || !context.authority) return none;
  return context.verdict.allowed ? "allowed" : "denied";
}

function dead(session: Session, path: PathId, context: Context): GuardOf<"TransportDead"> {
  const moving = move(context, "alone");
  if (session.state === "RECOVERING" && path === session.target) return moving === "allowed" ? "target_allowed" : "target_alone";
  return path === activeOf(session) ? `active_${moving}` : "other";
}

/** The bind seq of the running attempt, which an answer must name; `null` = no attempt runs. BIRTH uses 1. */
function attemptOf(session: Session): number | null {
  if (session.state === "BIRTH") return 1;
  return session.state === "RECOVERING" ? session.attempt : null;
}

function attach(
  session: Session,
  event: Extract<SessionEvent, { type: "AttachValidated" }>,
  context: Context,
): GuardOf<"AttachValidated"> {
  const { proof } = event;
  if (!Proof.genuine(proof) || proof.kind !== "attach") return "stale";
  if (proof.path !== event.path || proof.bindSeq !== event.bindSeq) return "stale";
  if (session.role === "client") {
    if (!context.authority || session.state !== "RECOVERING") return "stale";
    return session.target === proof.path && session.attempt === proof.bindSeq ? "fresh" : "stale";
  }
  if (proof.bindSeq <= session.bindSeq) return "stale";
  if (!context.authority || !event.verdict.allowed) return "denied";
  return activeOf(session) === proof.path ? "on_active" : "fresh";
}
