import type { Reason } from "#kernel/contract/reason";
import type { Audit, SessionEffect } from "./effect.ts";
import type { Facts } from "./enter.ts";
import { waitFor } from "./enter.ts";
import type { EventContext } from "./event-context.ts";
import { causeOf, denialOf, numbersOf, proofOf, targetOf } from "./event-context.ts";
import type { Session } from "./model.ts";
import { activeOf } from "./model.ts";
import type { Action, Row } from "./row.ts";

/** The working state of one `step`: it exists only while the step runs. */
export interface Draft {
  session: Session;
  facts: Facts;
  readonly effects: SessionEffect[];
  readonly audit: Audit[];
}

type Do = (draft: Draft, given: EventContext, row: Row) => void;

/** Causes that start the degraded clock. */
const COUNTED: ReadonlySet<Reason> = new Set([
  "transport_dead",
  "loss_threshold_exceeded",
  "heartbeat_timeout",
  "rekey_failed",
  "authority_lost",
]);

/** Actions before the transitions of a row, in the row's order. `bind` is in neither list: see its own comment. */
export const BEFORE: { readonly [A in Action]?: Do } = {
  lose_active: (draft, { event, now }) => {
    if (event.type !== "TransportDead" || draft.facts.active !== event.path) return;
    const { transportlessSince, degradedSince } = draft.facts;
    draft.facts = {
      ...draft.facts,
      active: null,
      lastActive: event.path,
      transportlessSince: transportlessSince ?? now,
      degradedSince: degradedSince ?? now,
    };
  },
  count_cause: (draft, { event, now }) => {
    if (COUNTED.has(causeOf(event))) draft.facts = { ...draft.facts, degradedSince: draft.facts.degradedSince ?? now };
  },
  abort: (draft, given) => {
    const { session, facts } = draft;
    if (session.state !== "RECOVERING") return;
    draft.effects.push({ type: "AbortAttach", bindSeq: session.attempt, restore: facts.active });
    const failed = { ageMs: given.now - session.since, bindSeq: session.attempt, result: "failed", ...numbersOf(given.event) };
    const paths = { old: facts.active, new: session.target };
    draft.audit.push({ type: "AttachResult", version: session.version, reason: abortReason(given), paths, numbers: failed });
    draft.facts = { ...facts, retry: "soon" };
  },
  deny: (draft) => {
    draft.facts = { ...draft.facts, retry: "denied" };
  },
  diagnose: (draft, { event }, row) => {
    const numbers = { event: event.type, row: row.id, state: draft.session.state, ...numbersOf(event) };
    draft.audit.push({
      type: "Diagnostic",
      version: draft.session.version,
      reason: row.refuses ?? "invalid_transition",
      numbers,
    });
  },
  alarm: (draft) => {
    const numbers = { kind: "session_cloned" };
    draft.audit.push({ type: "SecurityEvent", version: draft.session.version, reason: "session_cloned", numbers });
  },
  release: (draft, { event }) => {
    const numbers = { epoch: event.type === "OwnershipMoved" ? event.epoch : null };
    draft.audit.push({ type: "OwnershipReleased", version: draft.session.version, reason: "ownership_moved", numbers });
  },
};

/** Actions after the transitions of a row, in the row's order. */
export const AFTER: { readonly [A in Action]?: Do } = {
  attach: (draft) => {
    const { session } = draft;
    if (session.state !== "RECOVERING") return;
    const { target, attempt, active, cause } = session;
    const revalidate = target === active;
    draft.effects.push({ type: "Attach", path: target, bindSeq: attempt, revalidate, reason: cause });
    const numbers = { bindSeq: attempt, revalidate };
    draft.audit.push({
      type: "AttachAttempt",
      version: session.version,
      reason: cause,
      paths: { old: active, new: target },
      numbers,
    });
  },
  answer_bind: (draft, { event }) => {
    if (event.type !== "AttachValidated") return;
    draft.effects.push({ type: "AnswerAttach", path: event.path, bindSeq: event.bindSeq, deny: null, retryAfterMs: 0 });
    if (draft.session.state === "ATTACHED")
      draft.session = { ...draft.session, bindSeq: Math.max(draft.session.bindSeq, event.bindSeq) };
  },
  answer_deny: (draft, given) => {
    const { event } = given;
    if (event.type !== "AttachValidated") return;
    const { reason, retryAfterMs } = denialOf(given);
    draft.effects.push({ type: "AnswerAttach", path: event.path, bindSeq: event.bindSeq, deny: reason, retryAfterMs });
  },
  deny: (draft, given) => {
    const { reason, retryAfterMs, used, max } = denialOf(given);
    const { session } = draft;
    const paths = { old: activeOf(session), new: targetOf(given, session) };
    const numbers = { retryAfterMs, ...(max === null ? {} : { used, max }), state: session.state };
    draft.audit.push({ type: "TransportSwitchDenied", version: session.version, reason, paths, numbers });
  },
  request_switch: (draft, { event }) => {
    if (event.type === "SwitchRequested") draft.effects.push({ type: "RequestSwitch", path: event.target, reason: event.reason });
  },
  accept: (draft) => draft.effects.push({ type: "Accept" }),
  refuse: (draft) => draft.effects.push({ type: "Refuse", reason: endOf(draft.session) }),
  confirm: (draft) => draft.effects.push({ type: "Confirm" }),
  close: (draft) => draft.effects.push({ type: "Close", reason: endOf(draft.session) }),
  forget: (draft) => draft.effects.push({ type: "Forget" }),
};

/** For a row without transitions: writes the facts that its actions changed back into the state, and nothing else. */
export function writeBack(session: Session, facts: Facts, row: Row, given: EventContext): Session {
  const { active, transportlessSince, degradedSince, lastActive } = facts;
  switch (session.state) {
    case "VOLATILE":
    case "RECOVERING":
      return { ...session, active, transportlessSince, degradedSince, lastActive };
    case "DEGRADED": {
      const cleared = row.does.includes("clear_wait") ? null : session.wait;
      return {
        ...session,
        active,
        transportlessSince,
        degradedSince,
        lastActive,
        wait: facts.retry === "none" ? cleared : waitFor(session, facts, given),
      };
    }
    default:
      return session;
  }
}

/** Runs right before the transition to ATTACHED: in the failure matrix TransportSwitch precedes that transition. */
export function bind(draft: Draft, given: EventContext): void {
  const proof = proofOf(given.event);
  if (proof === null) return;
  const { session, facts } = draft;
  const old = facts.active ?? facts.lastActive;
  const paths = { old, new: proof.path };
  if (session.state === "BIRTH") {
    draft.effects.push({ type: "Bind", path: proof.path, left: facts.active });
    return;
  }
  const { bindSeq } = proof;
  const result = "ok";
  const numbers = session.state === "RECOVERING" ? { ageMs: given.now - session.since, bindSeq, result } : { bindSeq, result };
  draft.audit.push({ type: "AttachResult", version: session.version, paths, numbers });
  const reason = session.state === "RECOVERING" && session.role === "client" ? session.cause : "peer_reattach";
  if (old === proof.path) {
    draft.effects.push({ type: "Bind", path: proof.path, left: facts.active });
    return;
  }
  const withoutPathMs = facts.transportlessSince === null ? 0 : given.now - facts.transportlessSince;
  draft.effects.push({
    type: "Bind",
    path: proof.path,
    left: facts.active,
    jump: { from: old, to: proof.path, reason, withoutPathMs },
  });
  const jump = { bindSeq, withoutPathMs };
  draft.audit.push({ type: "TransportSwitch", version: session.version, reason, paths, numbers: jump });
}

function abortReason(given: EventContext): Reason {
  switch (given.event.type) {
    case "TransportDead":
      return "target_dead";
    case "AttemptTimedOut":
      return "attempt_timeout";
    case "ValidationFailed":
      return "reattach_validation_failed";
    default:
      return causeOf(given.event);
  }
}

function endOf(session: Session): Reason {
  return session.state === "TERMINATED" ? session.reason : "invalid_transition";
}
