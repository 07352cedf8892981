import type { Command } from "#kernel/contract/engine.generated";
import type { CoreEvent } from "#kernel/contract/event";
import { guarded } from "./guard.ts";
import type { Turn } from "./turn.ts";
import { type Entry, policyLabel } from "./world.ts";

type EventBody = Omit<CoreEvent, "bootMs" | "actor"> & { readonly actor?: CoreEvent["actor"] };

/** An order to the engine. */
export function command(turn: Turn, command: Command): void {
  turn.effects.push({ type: "Engine", command });
}

/** Adds time and actor. A failing observability domain costs the record its event, and nothing else. */
export function emit(turn: Turn, body: EventBody): void {
  const event: CoreEvent = { bootMs: turn.now, ...body, actor: body.actor ?? turn.actor };
  const redacted = guarded(turn, "observability", () => turn.world.domains.observability.redact(event), null);
  if (redacted !== null) turn.effects.push({ type: "Event", event: redacted });
}

/** An event about one session. */
export function emitFor(turn: Turn, entry: Entry, body: EventBody): void {
  const { id, version } = entry.session;
  emit(turn, { session: id, version, policy: policyLabel(entry.policy), ...body });
}
