import { activeOf } from "#domains/session/model";
import type { TransportEvent } from "#domains/transport/model";
import { guarded } from "../fence/guard.ts";
import { type Turn, touch } from "../turn.ts";
import type { Entry } from "../world.ts";

/** Tells a session's transport domain what happened. Its findings wait until `drainFindings`. */
export function observe(turn: Turn, entry: Entry, event: TransportEvent): void {
  const { transport } = turn.world.domains;
  const judged = guarded(
    turn,
    "transport",
    () => transport.step(entry.transport, activeOf(entry.session), event, entry.policy, turn.now),
    null,
  );
  if (judged === null) return;
  entry.transport = judged.next;
  touch(turn, entry);
  for (const finding of judged.findings) turn.findings.push({ entry, finding });
}
