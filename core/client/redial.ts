import { SECOND } from "#kernel/time";
import type { Turn } from "../turn.ts";
import type { Entry } from "../world.ts";
import { backOff, dialFailed, dialForSession, halt } from "./dial.ts";

/** A session that lived this long shows that dialling works, so the back-off restarts. */
const PROVEN_AFTER_MS = 10 * SECOND;

/** After the end of the client's session: dials a new one with this one as predecessor, or removes the tunnel. */
export function clientSessionEnded(turn: Turn, { session }: Entry): void {
  const { world } = turn;
  const { client } = world;
  if (client.current !== session.handle || session.state !== "TERMINATED") return;
  client.current = null;
  const { dial } = client;
  const wanted = session.reason === "operator_terminated" || session.reason === "daemon_stopped";
  const byUs = wanted && session.by === "here";
  if (byUs || world.stopping || client.config?.reconnect !== true) {
    halt(turn, session.reason);
    dial.attempts = 0;
    dial.predecessor = session.id;
    client.tunnel = null;
    turn.effects.push({ type: "Tunnel", assignment: null });
    return;
  }
  if (session.version <= 1) {
    dialFailed(turn, session.reason);
    return;
  }
  if (session.endedAt - session.bornAt >= PROVEN_AFTER_MS) dial.failures = 0;
  dial.attempts = 0;
  dial.lastReason = null;
  dial.predecessor = session.id;
  if (!dialForSession(turn)) backOff(turn);
}
