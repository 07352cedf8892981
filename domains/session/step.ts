import type { Numbers } from "#kernel/contract/event";
import type { Reason } from "#kernel/contract/reason";
import { STATES } from "#kernel/contract/state";
import { invariant } from "#kernel/invariant";
import type { Millis } from "#kernel/time";
import type { Draft } from "./actions.ts";
import { AFTER, BEFORE, bind, writeBack } from "./actions.ts";
import { classify } from "./classify.ts";
import { clockPassed, lifetimePassed } from "./clock.ts";
import type { Step } from "./effect.ts";
import { enter, factsOf } from "./enter.ts";
import type { Occurrence, SessionEvent } from "./event.ts";
import type { EventContext } from "./event-context.ts";
import { denialOf, numbersOf, reasonFor } from "./event-context.ts";
import { broken } from "./integrity.ts";
import type { Context, Session } from "./model.ts";
import { activeOf, birth } from "./model.ts";
import type { Row } from "./row.ts";
import { rowFor } from "./table.ts";

/** Maximum number of transitions by one event. */
const TRANSITIONS_MAX = 4;

/**
 * Judges one event. Pure and total for every event. Throws only if our own table has a bug.
 *
 *   (0) integrity → (1) lifetime → (2) operator or peer close → (3) authority → (4) BIRTH_TTL → (5) TRANSPORT_LOST_TTL
 *   → (6) DEGRADED_MAX → (7) attempt and volatile time-outs → (8) the event → (9) a pending retry
 */
export function step(session: Session, event: SessionEvent, context: Context, now: Millis): Step {
  const draft: Draft = { session, facts: factsOf(session), effects: [], audit: [] };
  const inContext = (occurrence: Occurrence): EventContext => ({ event: occurrence, context, now });
  const promise = session.state === "TERMINATED" ? null : broken(session, now);
  if (promise !== null) return corrupt(session, promise, context, now);
  const overriding = overrides(session, event, context, now);
  if (overriding !== null) {
    apply(draft, inContext(overriding));
    return finish(draft);
  }
  const lost = !context.authority && session.state === "ATTACHED";
  if (lost) apply(draft, inContext({ type: "AuthorityLost" }));
  const passed = clockPassed(draft.session, context.limits, now);
  if (passed !== null) apply(draft, inContext(passed));
  if (passed !== null && draft.session.state === "TERMINATED") return finish(draft);
  if (!lost || event.type !== "AuthorityLost") apply(draft, inContext(event));
  if (retryDue(draft.session, now)) apply(draft, inContext({ type: "CandidateAvailable", reason: "candidate_available" }));
  return finish(draft);
}

/**
 * Ends a session whose state broke an invariant or whose reducer failed. Works for any value of `session`, also for one
 * with an unknown state.
 */
export function corrupt(session: Session, why: string, context: Context, now: Millis): Step {
  const known = STATES.includes(session.state) ? session : birth(session.id, session.handle, session.role, now);
  const draft: Draft = { session: known, facts: factsOf(known), effects: [], audit: [] };
  apply(draft, { event: { type: "IntegrityBroken", numbers: { promise: why } }, context, now });
  return finish(draft);
}

/** What ends the judging at once: (1) the lifetime, (2) a close. */
function overrides(session: Session, event: SessionEvent, context: Context, now: Millis): Occurrence | null {
  if (session.state === "TERMINATED") return event;
  const lifetime = lifetimePassed(session, context.limits, now);
  if (lifetime !== null) return lifetime;
  return event.type === "OperatorTerminate" || event.type === "PeerClose" ? event : null;
}

function retryDue(session: Session, now: Millis): boolean {
  return session.state === "DEGRADED" && session.role === "client" && session.wait !== null && session.wait.until <= now;
}

function apply(draft: Draft, given: EventContext): void {
  const guard = classify(draft.session, given.event, given.context, given.now);
  const row = rowFor(draft.session.state, draft.session.role, given.event.type, guard);
  invariant(row !== undefined, `no row for ${draft.session.state}, ${draft.session.role}, ${given.event.type}, ${guard}`);
  draft.facts = factsOf(draft.session);
  for (const action of row.does) BEFORE[action]?.(draft, given, row);
  if (row.to.length === 0)
    draft.session = row.does.length === 0 ? draft.session : writeBack(draft.session, draft.facts, row, given);
  else transition(draft, given, row);
  for (const action of row.does) AFTER[action]?.(draft, given, row);
}

function transition(draft: Draft, given: EventContext, row: Row): void {
  for (const hop of row.to) {
    if (hop.to === "ATTACHED" && row.does.includes("bind")) bind(draft, given);
    const from = draft.session;
    const reason = reasonFor(hop.because, given);
    draft.session = enter(hop.to, from, draft.facts, reason, given);
    const measured = numbersOf(given.event);
    record(draft, from, reason, hop.because === "$denial" ? { ...measured, ...denialNumbers(given) } : measured, given);
  }
}

/** Records a transition: exactly one SessionStateChange, and what follows from the entered state. */
function record(draft: Draft, from: Session, reason: Reason, measured: Numbers, given: EventContext): void {
  const { session } = draft;
  const { version } = session;
  const numbers = session.state === "RECOVERING" ? { ...measured, attempt: session.attempt } : measured;
  draft.audit.push({
    type: "SessionStateChange",
    version,
    from: from.state,
    to: session.state,
    reason,
    paths: { old: activeOf(from), new: activeOf(session) },
    numbers,
  });
  if (session.state === "RECOVERING") draft.effects.push({ type: "RecordRecovery" });
  if (session.state !== "TERMINATED") return;
  const lived = { ...numbers, livedMs: given.now - session.bornAt };
  draft.audit.push({ type: "SessionTerminated", version, reason, numbers: lived });
}

function denialNumbers(given: EventContext): Record<string, number> {
  const { retryAfterMs, used, max } = denialOf(given);
  return { retryAfterMs, ...(used === null || max === null ? {} : { used, max }) };
}

function finish(draft: Draft): Step {
  const transitions = draft.audit.filter((record) => record.type === "SessionStateChange").length;
  invariant(transitions <= TRANSITIONS_MAX, "one event causes at most four transitions");
  return { next: draft.session, effects: draft.effects, audit: draft.audit };
}
