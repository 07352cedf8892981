import type { Effect } from "#core/contract";
import { settleHealth } from "#core/health";
import { tell } from "#core/sessions";
import { settle } from "#core/settle";
import { beginTurn } from "#core/turn";
import type { World } from "#core/world";
import { solo } from "#domains/cluster/step";

/** This node's authority goes or comes back, and every session is told. */
export function authorityTurn(world: World, held: boolean, now: number): readonly Effect[] {
  world.authority = held ? solo(now) : { state: "lost", epoch: 1, since: now };
  world.now = now;
  const turn = beginTurn(world, now, "core");
  for (const entry of [...world.sessions.values()]) tell(turn, entry, { type: held ? "AuthorityRegained" : "AuthorityLost" });
  settle(turn);
  settleHealth(turn);
  world.wakeAt = world.deadlines.earliest;
  return turn.effects;
}
