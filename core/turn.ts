import type { Finding } from "#domains/transport/model";
import type { Command } from "#kernel/contract/engine.generated";
import type { CoreEvent } from "#kernel/contract/event";
import type { SessionHandle } from "#kernel/contract/state";
import type { Millis } from "#kernel/time";
import type { Effect } from "./contract.ts";
import type { DomainName } from "./domains.ts";
import { guarded } from "./guard.ts";
import { type Entry, policyLabel, type World } from "./world.ts";

/** One input being worked off: what it causes, in order. Lives for one `step`. */
export interface Turn {
  readonly world: World;
  readonly now: Millis;
  readonly actor: CoreEvent["actor"];
  readonly effects: Effect[];
  /** Findings of the transport domain that wait for their session. */
  readonly findings: { readonly entry: Entry; readonly finding: Finding }[];
  /** Sessions whose deadlines and follow-ups are looked at before the turn ends. */
  readonly touched: Map<SessionHandle, Entry>;
  readonly failed: Set<DomainName>;
  readonly worked: Set<DomainName>;
}

export function beginTurn(world: World, now: Millis, actor: CoreEvent["actor"]): Turn {
  return { world, now, actor, effects: [], findings: [], touched: new Map(), failed: new Set(), worked: new Set() };
}

export function command(turn: Turn, command: Command): void {
  turn.effects.push({ type: "Engine", command });
}

type EventBody = Omit<CoreEvent, "bootMs" | "actor"> & { readonly actor?: CoreEvent["actor"] };

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

export function touch(turn: Turn, entry: Entry): void {
  turn.touched.set(entry.session.handle, entry);
}
