import { activeOf } from "#domains/session/model";
import type { TransportEvent } from "#domains/transport/model";
import { pushBounded } from "#kernel/bounded-ring";
import type { PathId } from "#kernel/contract/state";
import { guarded } from "../fence/guard.ts";
import { type Turn, touch } from "../turn.ts";
import { DEPARTED_MAX, type Entry } from "../world.ts";

/** Passes an event to a session's transport domain. The findings wait for `drainFindings`. */
export function observe(turn: Turn, entry: Entry, event: TransportEvent): void {
  const { transport } = turn.world.domains;
  const judged = guarded(
    turn,
    "transport",
    () => transport.step(entry.transport, activeOf(entry.session), event, entry.policy, turn.now),
    null,
  );
  if (judged === null) return;
  if (event.type === "Removed") keepLabel(entry, event.path);
  entry.transport = judged.next;
  touch(turn, entry);
  for (const finding of judged.findings) turn.findings.push({ entry, finding });
}

/** Keeps the label of a path that is about to be removed. */
function keepLabel(entry: Entry, path: PathId): void {
  const removed = entry.transport.paths.find(({ id }) => id === path);
  if (removed === undefined) return;
  const others = entry.departed.filter((gone) => gone.path !== path);
  entry.departed = pushBounded(others, { path, label: removed.label }, DEPARTED_MAX);
}
