import type { Finding } from "#domains/transport/model";
import type { CoreEvent } from "#kernel/contract/event";
import type { DomainName } from "#kernel/contract/health";
import type { SessionHandle } from "#kernel/contract/state";
import type { Millis } from "#kernel/time";
import type { Effect } from "./contract.ts";
import type { Entry, World } from "./world.ts";

/** The processing of one input and its effects, in order. It exists for one `step`. */
export interface Turn {
  readonly world: World;
  readonly now: Millis;
  readonly actor: CoreEvent["actor"];
  readonly effects: Effect[];
  /** Findings of the transport domain that their sessions have not handled yet. */
  readonly findings: { readonly entry: Entry; readonly finding: Finding }[];
  /** Sessions whose deadlines and follow-ups are settled before the turn ends. */
  readonly touched: Map<SessionHandle, Entry>;
  /** Sessions that ended in this turn and are still to be removed. */
  readonly ended: Entry[];
  readonly worked: Set<DomainName>;
  /** Domains that threw in this turn, with the text of the first fault. */
  readonly faults: Map<DomainName, string>;
}

export function beginTurn(world: World, now: Millis, actor: CoreEvent["actor"]): Turn {
  return {
    world,
    now,
    actor,
    effects: [],
    findings: [],
    touched: new Map(),
    ended: [],
    worked: new Set(),
    faults: new Map(),
  };
}

export function touch(turn: Turn, entry: Entry): void {
  turn.touched.set(entry.session.handle, entry);
}
