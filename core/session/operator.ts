import { activeOf } from "#domains/session/model";
import type { Input, OperatorOutcome } from "../contract.ts";
import { command, emitFor } from "../emit.ts";
import type { Turn } from "../turn.ts";
import { type Entry, labelOf } from "../world.ts";
import { dispatch } from "./sessions.ts";
import { requestSwitch } from "./switching.ts";

type Asked = Extract<Input, { type: "Operator" }>;

/** Carries out an operator's request. Each request gets exactly one reply. */
export function operate(turn: Turn, { id, actor, request }: Asked): void {
  const entry = turn.world.sessions.get(request.session);
  const outcome = entry === undefined ? notFound() : carryOut(turn, entry, request, actor);
  turn.effects.push({ type: "Reply", id, outcome });
}

function carryOut(turn: Turn, entry: Entry, request: Asked["request"], actor: string): OperatorOutcome {
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

function switchHere(turn: Turn, entry: Entry, to: number): OperatorOutcome {
  const error = requestSwitch(turn, entry, to, { revalidates: false });
  if (error?.code === "already_active") return alreadyThere(entry, to);
  if (error !== null) return { ok: false, error };
  return { ok: true, value: { session: entry.session.id, requested: labelOf(entry, to) } };
}

/** A gateway requests the switch from its client, which decides and may deny it. */
function askClient(turn: Turn, entry: Entry, to: number): OperatorOutcome {
  if (!entry.transport.paths.some(({ id }) => id === to)) {
    const hint = "`jvpn session` lists its transports";
    return {
      ok: false,
      error: { code: "unknown_path", message: `this session has no transport ${to}`, hint, retryAfterMs: null },
    };
  }
  const label = labelOf(entry, to) ?? `path ${to}`;
  if (to === activeOf(entry.session)) return alreadyThere(entry, to);
  command(turn, { type: "RequestSwitch", session: entry.session.handle, path: to, reason: "switch_requested" });
  const numbers = { what: "asked the client to switch", path: label };
  emitFor(turn, entry, { type: "Diagnostic", reason: "switch_requested", numbers });
  return { ok: true, value: { session: entry.session.id, requested: label, asked: "client" } };
}

/** What was asked for is so: no denial, and nothing happens. */
function alreadyThere(entry: Entry, to: number): OperatorOutcome {
  return { ok: true, value: { session: entry.session.id, requested: labelOf(entry, to), alreadyActive: true } };
}

function notFound(): OperatorOutcome {
  const error = {
    code: "not_found",
    message: "no such session",
    hint: "`jvpn sessions` lists them",
    retryAfterMs: null,
  } as const;
  return { ok: false, error };
}
