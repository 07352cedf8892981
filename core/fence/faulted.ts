import type { Report } from "#kernel/contract/engine.generated";
import type { CoreEvent } from "#kernel/contract/event";
import { dialRefused } from "../client/dial.ts";
import { pathRefused } from "../client/paths.ts";
import type { Input } from "../contract.ts";
import { command, emit, emitFor } from "../emit.ts";
import { endCorrupt } from "../session/sessions.ts";
import { type Turn, touch } from "../turn.ts";
import type { Entry } from "../world.ts";

/** Longest text of a fault that is kept, in characters. */
const TEXT_MAX = 200;

/**
 * Records a fault and ends its session with `state_corruption`, because core and engine may disagree about it. After a
 * throw all other sessions are settled again, because the throw cut off their follow-ups.
 */
export function faulted(turn: Turn, fault: Omit<Extract<Input, { type: "Faulted" }>, "type">): void {
  const { sessions } = turn.world;
  const numbers = { what: fault.what.slice(0, TEXT_MAX), why: fault.why.slice(0, TEXT_MAX) };
  const diagnostic = { type: "Diagnostic", reason: "state_corruption", numbers } as const satisfies Partial<CoreEvent>;
  const entry = fault.session === null ? undefined : sessions.get(fault.session);
  if (entry === undefined) emit(turn, diagnostic);
  else emitFor(turn, entry, diagnostic);
  if (fault.thrown) lookAgain(turn, [...sessions.values()]);
  if (entry !== undefined) endCorrupt(turn, entry, fault.what.slice(0, TEXT_MAX));
  else if (fault.session !== null) command(turn, { type: "CloseSession", session: fault.session, reason: "state_corruption" });
}

/** Works on one session. A throw ends only that session. */
export function isolated(turn: Turn, entry: Entry, what: string, work: () => void): void {
  try {
    work();
  } catch (cause) {
    faulted(turn, { session: entry.session.handle, what, why: String(cause), thrown: false });
  }
}

/**
 * The engine refused a command. A path or dial that waits for its answer has failed. The command's session ends, as
 * after every fault.
 */
export function refused(turn: Turn, { command: what, session, path, dial, why }: Extract<Report, { type: "Refused" }>): void {
  // A close that is refused asks for no further close.
  faulted(turn, { session: what === "CloseSession" ? null : session, what, why, thrown: false });
  if (path !== null) pathRefused(turn, path);
  if (dial !== null) dialRefused(turn, dial);
}

/** The engine failed in the code of one session, and has already removed it. The session ends here, too. */
export function broken(turn: Turn, { session, why }: Extract<Report, { type: "SessionFaulted" }>): void {
  // One that the core does not know, or has ended, needs no close.
  const known = turn.world.sessions.has(session) ? session : null;
  faulted(turn, { session: known, what: "the engine", why, thrown: false });
}

function lookAgain(turn: Turn, entries: readonly Entry[]): void {
  for (const entry of entries) {
    if (entry.session.state === "TERMINATED") turn.ended.push(entry);
    else touch(turn, entry);
  }
}
