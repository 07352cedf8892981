import type { TransportEvent } from "#domains/transport/model";
import { pushBounded } from "#kernel/bounded-ring";
import type { PathId } from "#kernel/contract/state";
import { guarded } from "./guard.ts";
import { type Turn, touch } from "./turn.ts";
import { DEPARTED_MAX, type Entry } from "./world.ts";

/** Tells a session's transport domain what happened. Its findings wait until `drainFindings`. */
export function observe(turn: Turn, entry: Entry, event: TransportEvent): void {
  const { transport } = turn.world.domains;
  const judged = guarded(turn, "transport", () => transport.step(entry.transport, event, entry.policy, turn.now), null);
  if (judged === null) return;
  if (event.type === "Removed") keepLabel(entry, event.path);
  entry.transport = judged.next;
  touch(turn, entry);
  for (const finding of judged.findings) turn.findings.push({ entry, finding });
}

/** The last moment at which a removed path has a label. */
function keepLabel(entry: Entry, path: PathId): void {
  const removed = entry.transport.paths.find(({ id }) => id === path);
  if (removed === undefined) return;
  const others = entry.departed.filter((gone) => gone.path !== path);
  entry.departed = pushBounded(others, { path, label: removed.label }, DEPARTED_MAX);
}
