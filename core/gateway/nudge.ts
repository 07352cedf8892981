import { backoff } from "#kernel/backoff";
import { type Millis, SECOND } from "#kernel/time";
import { command } from "../emit.ts";
import { candidateFor } from "../session/context.ts";
import type { Turn } from "../turn.ts";
import type { Entry } from "../world.ts";

/** Wait before the client is asked: first, so that it can act by itself, and longest; it doubles in between. */
const FIRST_MS: Millis = SECOND;
const MAX_MS: Millis = 10 * SECOND;

/**
 * Only a client starts an attach. If the gateway saw a disturbance that its client did not see, it would wait forever.
 * So while a path is live, the gateway asks the client to prove itself again.
 */
export function nudge(turn: Turn, entry: Entry): void {
  const { session } = entry;
  // The engine keeps one request: an operator's is not replaced before it is answered.
  if ((session.state !== "VOLATILE" && session.state !== "DEGRADED") || entry.wish !== null) {
    entry.ask = null;
    return;
  }
  entry.ask ??= { count: 0, at: turn.now + FIRST_MS };
  if (entry.ask.at > turn.now) return;
  const path = session.active ?? candidateFor(turn, entry, null);
  const count = entry.ask.count + 1;
  entry.ask = { count, at: turn.now + backoff(count + 1, FIRST_MS, MAX_MS) };
  if (path !== null) command(turn, { type: "RequestSwitch", session: session.handle, path, reason: "candidate_available" });
}
