import { activeOf } from "#domains/session/model";
import { MINUTE, type Millis, SECOND } from "#kernel/time";
import { command } from "../emit.ts";
import type { Turn } from "../turn.ts";
import type { Entry } from "../world.ts";

/** Probing interval during the search for a path, by the time that the search has run. */
const SEARCH: readonly { readonly untilMs: Millis; readonly everyMs: Millis }[] = [
  { untilMs: 30 * SECOND, everyMs: 25 },
  { untilMs: MINUTE, everyMs: 100 },
  { untilMs: Number.POSITIVE_INFINITY, everyMs: SECOND },
];
/** A gateway's interval. Its clients do the searching; it only has to notice that a path works again. */
const GATEWAY_SEARCH_MS = SECOND;

/** Sends the engine a new probing interval if it changed. */
export function settleProbing(turn: Turn, entry: Entry): void {
  const { session } = entry;
  if (session.state === "BIRTH" || session.state === "TERMINATED") return;
  if (session.state === "ATTACHED") entry.searchSince = null;
  else if (session.state === "DEGRADED") entry.searchSince ??= turn.now;
  const intervalMs = wanted(entry, turn.now);
  if (intervalMs === entry.probingMs) return;
  entry.probingMs = intervalMs;
  command(turn, { type: "SetProbing", session: session.handle, intervalMs });
}

/** When the interval of the running search changes; `null` = it does not. */
export function probingChangesAt(entry: Entry, now: Millis): Millis | null {
  const { searchSince: since } = entry;
  if (since === null || entry.session.role === "gateway") return null;
  const next = SEARCH.find((stage) => now - since < stage.untilMs);
  return next === undefined || next.untilMs === Number.POSITIVE_INFINITY ? null : since + next.untilMs;
}

function wanted(entry: Entry, now: Millis): Millis {
  const { session, policy, searchSince } = entry;
  if (session.state === "ATTACHED") return suspected(entry) ? policy.volatile.livenessMs : 0;
  if (searchSince === null) return policy.volatile.livenessMs;
  if (session.role === "gateway") return GATEWAY_SEARCH_MS;
  return SEARCH.find((stage) => now - searchSince < stage.untilMs)?.everyMs ?? SECOND;
}

/** True if the engine suspects the active path. A suspicion of another path has no effect. */
function suspected({ session, transport }: Entry): boolean {
  const active = activeOf(session);
  const path = transport.paths.find(({ id }) => id === active);
  return path?.health.is === "alive" && path.health.suspected;
}
