import { activeOf } from "#domains/session/model";
import { MINUTE, type Millis, SECOND } from "#kernel/time";
import { command } from "../emit.ts";
import type { Turn } from "../turn.ts";
import type { Entry } from "../world.ts";

/** The search for a path: how long it has run, and the interval until then. */
const SEARCH: readonly { readonly untilMs: Millis; readonly everyMs: Millis }[] = [
  { untilMs: 30 * SECOND, everyMs: 25 },
  { untilMs: MINUTE, everyMs: 100 },
  { untilMs: Number.POSITIVE_INFINITY, everyMs: SECOND },
];
/** A gateway leaves the search to its clients and only keeps listening. */
const GATEWAY_SEARCH_MS = SECOND;

/** Tells the engine how to probe, where that changed. */
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

/** The engine suspects the path that is active: a suspicion of the one before it is left behind with it. */
function suspected({ session, transport }: Entry): boolean {
  const active = activeOf(session);
  const path = transport.paths.find(({ id }) => id === active);
  return path?.health.is === "alive" && path.health.suspected;
}
