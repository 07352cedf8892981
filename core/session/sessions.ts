import type { Audit, SessionEffect, Step } from "#domains/session/effect";
import type { SessionEvent } from "#domains/session/event";
import { broken } from "#domains/session/integrity";
import { activeOf, type Context, type Session } from "#domains/session/model";
import { command, emitFor } from "../emit.ts";
import { guarded } from "../fence/guard.ts";
import { type Turn, touch } from "../turn.ts";
import { type Entry, labelOf } from "../world.ts";
import { contextFor } from "./context.ts";
import { observe } from "./observe.ts";
import { forgive, shunFailed } from "./shun.ts";
import { wishAudited } from "./wish.ts";

/** Judges an event by the session domain and carries out the effects. Without effect on a terminated session. */
export function dispatch(turn: Turn, entry: Entry, event: SessionEvent): void {
  const context = contextFor(turn, entry, event);
  const { session } = turn.world.domains;
  const before = entry.session;
  const judged = guarded(turn, "session", () => session.step(before, event, context, turn.now), null);
  carryOut(turn, entry, judged ?? afterFault(turn, entry, context));
}

/** Ends a session whose state is known to be corrupt. */
export function endCorrupt(turn: Turn, entry: Entry, why: string): void {
  const context = contextFor(turn, entry, { type: "Tick" });
  carryOut(turn, entry, corrupted(turn, entry, why, context));
}

/** The reducer threw. The event is rejected, and the session ends only if its state broke an invariant. */
function afterFault(turn: Turn, entry: Entry, context: Context): Step {
  const { session } = entry;
  const promise = session.state === "TERMINATED" ? null : broken(session, turn.now);
  if (promise === null) return { next: session, effects: [], audit: [] };
  return corrupted(turn, entry, promise, context);
}

function corrupted(turn: Turn, entry: Entry, why: string, context: Context): Step {
  const { session } = turn.world.domains;
  const judged = guarded(turn, "session", () => session.corrupt(entry.session, why, context, turn.now), null);
  return (
    judged ?? { next: endedBy(entry.session, turn.now), effects: [{ type: "Close", reason: "state_corruption" }], audit: [] }
  );
}

function endedBy(session: Session, now: number): Session {
  const { id, handle, role, version, bornAt, bindSeq } = session;
  return {
    state: "TERMINATED",
    id,
    handle,
    role,
    version: version + 1,
    bornAt,
    bindSeq,
    reason: "state_corruption",
    by: "here",
    endedAt: now,
  };
}

function carryOut(turn: Turn, entry: Entry, step: Step): void {
  const wasLive = entry.session.state !== "TERMINATED";
  entry.session = step.next;
  touch(turn, entry);
  for (const record of step.audit) {
    audit(turn, entry, record);
    wishAudited(turn, entry, record);
    shunFailed(entry, record, turn.now);
  }
  for (const effect of step.effects) perform(turn, entry, effect);
  if (wasLive && step.next.state === "TERMINATED") turn.ended.push(entry);
}

function audit(turn: Turn, entry: Entry, { type, version, from, to, reason, paths, numbers }: Audit): void {
  const transport = paths === undefined ? undefined : { old: labelOf(entry, paths.old), new: labelOf(entry, paths.new) };
  const { session } = entry;
  const actor = session.state === "TERMINATED" && session.by === "peer" ? "peer" : turn.actor;
  const body = { type, version, from, to, reason, transport, numbers, actor };
  emitFor(turn, entry, body satisfies { readonly [Member in Exclude<keyof Audit, "paths">]: unknown });
}

function perform(turn: Turn, entry: Entry, effect: SessionEffect): void {
  const session = entry.session.handle;
  const gateway = entry.session.role === "gateway";
  switch (effect.type) {
    case "Accept":
      if (gateway && entry.assignment !== null) command(turn, { type: "AcceptSession", session, assignment: entry.assignment });
      return;
    case "Refuse":
      command(turn, { type: gateway ? "RefuseSession" : "CloseSession", session, reason: effect.reason });
      return;
    case "Confirm":
      command(turn, { type: "ConfirmSession", session });
      return;
    case "Attach": {
      const { path, bindSeq, reason } = effect;
      command(turn, {
        type: "Attach",
        session,
        path,
        bindSeq,
        kind: effect.revalidate ? "revalidate" : kindFor(entry, path),
        reason,
      });
      return;
    }
    case "AbortAttach":
      command(turn, { type: "AbortAttach", session, bindSeq: effect.bindSeq, restore: effect.restore });
      return;
    case "AnswerAttach": {
      const { path, bindSeq, deny, retryAfterMs } = effect;
      command(turn, { type: "AnswerAttach", session, path, bindSeq, denyReason: deny, retryAfterMs });
      return;
    }
    case "RequestSwitch":
      command(turn, { type: "RequestSwitch", session, path: effect.path, reason: effect.reason });
      return;
    case "Bind":
      bind(turn, entry, effect);
      return;
    case "RecordRecovery":
      entry.budget = spend(turn, entry, "recordRecovery", activeOf(entry.session) !== null);
      return;
    case "Close":
      command(turn, { type: "CloseSession", session, reason: effect.reason });
      return;
    case "Forget":
      command(turn, { type: "ForgetSession", session });
      return;
  }
}

/** `switch` for a validated path; `reattach`, with data right behind it, for one that is not. */
function kindFor(entry: Entry, path: number): "switch" | "reattach" {
  return entry.transport.paths.some((known) => known.id === path && known.health.is === "cold") ? "reattach" : "switch";
}

function bind(turn: Turn, entry: Entry, effect: Extract<SessionEffect, { type: "Bind" }>): void {
  observe(turn, entry, { type: "Bound", path: effect.path, left: effect.left });
  entry.ask = null;
  entry.searchSince = null;
  forgive(entry, effect.path);
  const { jump } = effect;
  if (jump !== undefined) {
    entry.budget = spend(turn, entry, "recordSwitch", effect.left !== null);
    const { reason, withoutPathMs } = jump;
    const last = {
      atBootMs: turn.now,
      from: labelOf(entry, jump.from),
      to: labelOf(entry, jump.to) ?? "",
      reason,
      withoutPathMs,
    };
    entry.jumps = { count: entry.jumps.count + 1, last };
  }
}

/** `elective`: a path carries, or carried, the traffic meanwhile. */
function spend(turn: Turn, entry: Entry, record: "recordRecovery" | "recordSwitch", elective: boolean): Entry["budget"] {
  const { policy } = turn.world.domains;
  return guarded(turn, "policy", () => policy[record](entry.budget, entry.policy, elective, turn.now), entry.budget);
}
