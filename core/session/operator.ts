import { activeOf } from "#domains/session/model";
import type { Input, OperatorError, OperatorOutcome } from "../contract.ts";
import { command, emitFor } from "../emit.ts";
import type { Turn } from "../turn.ts";
import { type Entry, labelOf } from "../world.ts";
import { dispatch } from "./sessions.ts";
import { requestSwitch } from "./switching.ts";
import { awaitSwitch } from "./wish.ts";

type Asked = Extract<Input, { type: "Operator" }>;

/** Carries out an operator's request. Each request gets exactly one reply: of a switch, once its outcome is known. */
export function operate(turn: Turn, { id, actor, request }: Asked): void {
  const entry = turn.world.sessions.get(request.session);
  const outcome = entry === undefined ? notFound() : carryOut(turn, entry, request, actor);
  if (outcome !== null) turn.effects.push({ type: "Reply", id, outcome });
  else if (entry !== undefined && request.verb === "switch") awaitSwitch(turn, entry, id, request.to);
}

/** `null` = the switch has begun, and its outcome will follow. */
function carryOut(turn: Turn, entry: Entry, request: Asked["request"], actor: string): OperatorOutcome | null {
  const session = entry.session.id;
  switch (request.verb) {
    case "terminate":
      dispatch(turn, entry, {
        type: "OperatorTerminate",
        reason: "operator_terminated",
        numbers: { detail: request.detail.slice(0, 200), actor },
      });
      return { ok: true, value: { session, terminated: true, mayReturn: entry.session.role === "gateway" } };
    case "switch":
      return entry.session.role === "gateway" ? askClient(turn, entry, request.to) : switchHere(turn, entry, request.to);
  }
}

function switchHere(turn: Turn, entry: Entry, to: number): OperatorOutcome | null {
  const error = requestSwitch(turn, entry, to, { revalidates: false });
  if (error?.code === "already_active") return alreadyThere(entry, to);
  return error === null ? null : { ok: false, error };
}

/** A gateway requests the switch from its client, which decides and may deny it. */
function askClient(turn: Turn, entry: Entry, to: number): OperatorOutcome | null {
  const label = labelOf(entry, to) ?? `path ${to}`;
  const path = entry.transport.paths.find(({ id }) => id === to);
  if (path === undefined)
    return refusal("unknown_path", `this session has no transport ${to}`, "`jvpn session` lists its transports");
  if (to === activeOf(entry.session)) return alreadyThere(entry, to);
  if (path.health.is !== "alive")
    return refusal("target_unusable", `${label} is ${path.health.is}`, "wait until `jvpn paths` shows it as warm");
  const transport = { old: labelOf(entry, activeOf(entry.session)), new: label };
  if (entry.wish !== null) {
    const retryAfterMs = entry.wish.until - turn.now;
    const numbers = { retryAfterMs, state: entry.session.state };
    emitFor(turn, entry, { type: "TransportSwitchDenied", reason: "attempt_in_progress", transport, numbers });
    const message = `the client was already asked to switch to ${labelOf(entry, entry.wish.to)}, and has not answered`;
    return refusal("attempt_in_progress", message, "ask again when that is decided", retryAfterMs);
  }
  command(turn, { type: "RequestSwitch", session: entry.session.handle, path: to, reason: "switch_requested" });
  const numbers = { what: "asked the client to switch", path: label };
  emitFor(turn, entry, { type: "Diagnostic", reason: "switch_requested", numbers });
  return null;
}

/** What was asked for is so: no denial, and nothing happens. */
function alreadyThere(entry: Entry, to: number): OperatorOutcome {
  return { ok: true, value: { session: entry.session.id, requested: labelOf(entry, to), alreadyActive: true } };
}

function notFound(): OperatorOutcome {
  return refusal("not_found", "no such session", "`jvpn sessions` lists them");
}

function refusal(
  code: OperatorError["code"],
  message: string,
  hint: string,
  retryAfterMs: number | null = null,
): OperatorOutcome {
  return { ok: false, error: { code, message, hint, retryAfterMs } };
}
