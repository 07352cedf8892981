import type { Audit } from "#domains/session/effect";
import { activeOf } from "#domains/session/model";
import { REASONS, type Reason } from "#kernel/contract/reason";
import type { PathId } from "#kernel/contract/state";
import { type Millis, SECOND } from "#kernel/time";
import type { OperatorError, OperatorOutcome } from "../contract.ts";
import { emitFor } from "../emit.ts";
import { type Turn, touch } from "../turn.ts";
import { type Entry, labelOf } from "../world.ts";

/** Longest wait of an operator for the outcome of a switch: a client's request at PTO, and one whole attempt. */
export const WISH_MS_MAX: Millis = 8 * SECOND;

/** The operator of request `id` gets the reply once the session is on this path, or it is known that it will not be. */
export function awaitSwitch(turn: Turn, entry: Entry, id: number, to: PathId): void {
  entry.wish = { id, to, since: turn.now, until: turn.now + WISH_MS_MAX };
  touch(turn, entry);
}

/** Ends the wait of an operator whose wish came true, or whose time is over. */
export function settleWish(turn: Turn, entry: Entry): void {
  const { session, wish } = entry;
  if (wish === null) return;
  if (session.state === "ATTACHED" && session.active === wish.to) {
    const value = { session: session.id, requested: labelOf(entry, wish.to), tookMs: turn.now - wish.since };
    reply(turn, entry, { ok: true, value: session.role === "gateway" ? { ...value, asked: "client" } : value });
    return;
  }
  if (turn.now < wish.until) return;
  const transport = { old: labelOf(entry, activeOf(session)), new: labelOf(entry, wish.to) };
  emitFor(turn, entry, { type: "Diagnostic", reason: "switch_unanswered", transport, numbers: { waitedMs: WISH_MS_MAX } });
  const message = `the switch to ${transport.new} was neither made nor denied within ${WISH_MS_MAX / SECOND} s`;
  const hint = "it may still be made: look at `jvpn session`, and at the other end whether it hears this one";
  refuse(turn, entry, { code: "switch_unanswered", message, hint, retryAfterMs: null });
}

/** What the session just recorded may decide the wish: its attempt failed, or the gateway denied it to the client. */
export function wishAudited(turn: Turn, entry: Entry, { type, reason, paths, numbers }: Audit): void {
  const { wish, session } = entry;
  if (wish === null || reason === undefined || paths?.new !== wish.to) return;
  const failed = type === "AttachResult" && numbers?.result === "failed";
  const denied = type === "TransportSwitchDenied" && session.role === "gateway";
  if (failed || denied) denyWish(turn, entry, reason, Number(numbers?.retryAfterMs ?? 0));
}

/** The switch is not made, for this reason; `by` = who decided it, if not this end. */
export function denyWish(turn: Turn, entry: Entry, reason: Reason, retryAfterMs: Millis, by?: "client"): void {
  const { wish } = entry;
  if (wish === null) return;
  const next = retryAfterMs > 0 ? ` (next in ${Math.ceil(retryAfterMs / SECOND)} s)` : "";
  const label = labelOf(entry, wish.to);
  const what = by === undefined ? `the switch to ${label} was not made` : `the ${by} denied the switch to ${label}`;
  const hint = retryAfterMs > 0 ? "ask again after that time" : "look at `jvpn session --timeline` at the client";
  const denied = by === undefined ? {} : { deniedBy: by };
  const retry = retryAfterMs > 0 ? retryAfterMs : null;
  refuse(turn, entry, { code: reason, message: `${what}: ${reason}${next}`, hint, retryAfterMs: retry, ...denied });
}

/** The session has ended before the switch was made. */
export function endWish(turn: Turn, entry: Entry): void {
  const { session } = entry;
  if (session.state !== "TERMINATED") return;
  const message = `the session ended before the switch: ${session.reason}`;
  refuse(turn, entry, { code: "terminal", message, hint: REASONS[session.reason], retryAfterMs: null });
}

function refuse(turn: Turn, entry: Entry, error: OperatorError): void {
  reply(turn, entry, { ok: false, error });
}

function reply(turn: Turn, entry: Entry, outcome: OperatorOutcome): void {
  if (entry.wish === null) return;
  turn.effects.push({ type: "Reply", id: entry.wish.id, outcome });
  entry.wish = null;
}
