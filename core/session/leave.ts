import { pushBounded } from "#kernel/bounded-ring";
import { clientSessionEnded } from "../client/redial.ts";
import { gatewaySessionEnded } from "../gateway/admission.ts";
import type { Turn } from "../turn.ts";
import { sessionView } from "../view/view.ts";
import { ENDED_MAX, type Entry } from "../world.ts";
import { endWish } from "./wish.ts";

/** Removes a terminated session from the table and keeps its last view. What follows depends on the role. */
export function leave(turn: Turn, entry: Entry): void {
  const { world } = turn;
  const { handle } = entry.session;
  endWish(turn, entry);
  world.sessions.delete(handle);
  world.deadlines.set(handle, null);
  world.ended = pushBounded(world.ended, sessionView(world, entry, turn.now), ENDED_MAX);
  if (world.role === "client") clientSessionEnded(turn, entry);
  else gatewaySessionEnded(turn, entry);
}
