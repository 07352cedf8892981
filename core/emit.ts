import type { Command } from "#kernel/contract/engine.generated";
import type { CoreEvent } from "#kernel/contract/event";
import { guarded } from "./fence/guard.ts";
import type { Turn } from "./turn.ts";
import { type Entry, policyLabel } from "./world.ts";

type EventBody = Omit<CoreEvent, "bootMs" | "actor"> & { readonly actor?: CoreEvent["actor"] };

/** Adds a command for the engine to the effects. */
export function command(turn: Turn, command: Command): void {
  turn.effects.push({ type: "Engine", command });
}

/** Adds an event with its time and actor to the effects. */
export function emit(turn: Turn, body: EventBody): void {
  const { session, version, policy } = body;
  push(turn, body, session, version, policy);
}

/** Emits an event about one session. */
export function emitFor(turn: Turn, entry: Entry, body: Omit<EventBody, "session" | "policy">): void {
  const { id, version } = entry.session;
  push(turn, body, id, body.version ?? version, policyLabel(entry.policy));
}

/**
 * Every event has all members in one order. Thousands of events per second are possible, and the runtime is fastest
 * with objects of one shape. If the observability domain fails, only the event is lost.
 */
function push(
  turn: Turn,
  body: EventBody,
  session: CoreEvent["session"],
  version: CoreEvent["version"],
  policy: CoreEvent["policy"],
): void {
  const { type, from, to, reason, transport, numbers } = body;
  const event = {
    type,
    bootMs: turn.now,
    session,
    version,
    from,
    to,
    reason,
    transport,
    numbers,
    policy,
    actor: body.actor ?? turn.actor,
  } satisfies CoreEvent & { readonly [Member in keyof Required<CoreEvent>]: unknown };
  const redacted = guarded(turn, "observability", () => turn.world.domains.observability.redactedEvent(event), null);
  if (redacted !== null) turn.effects.push({ type: "Event", event: redacted });
}
