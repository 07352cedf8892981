import type { PolicyOutcome } from "#domains/policy/model";
import type { Input } from "./contract.ts";
import { emit } from "./emit.ts";
import { guarded } from "./fence/guard.ts";
import { offerTo, policyOfKey } from "./gateway/clients.ts";
import { dispatch } from "./session/sessions.ts";
import type { Turn } from "./turn.ts";
import type { Entry } from "./world.ts";

type Offered = Extract<Input, { type: "PolicyOffered" }>["outcome"];

/** The last valid policy stays in force. An invalid one denies new sessions and does not change running ones. */
export function policyOffered(turn: Turn, offered: Offered): void {
  const { world } = turn;
  const outcome: PolicyOutcome = offered.ok
    ? offered
    : { ok: false, errors: offered.errors.map((message) => ({ path: [], message })) };
  const next = guarded(turn, "policy", () => world.domains.policy.offer(world.policy, outcome), null);
  if (next === null) return;
  world.policy = next;
  if (!offered.ok) {
    const numbers = { errors: offered.errors.length, first: offered.errors[0] ?? "", kept: next.current?.base.name ?? null };
    emit(turn, { type: "ConfigFailure", reason: "policy_invalid", numbers });
  } else {
    const { name, version, digest } = offered.policy.base;
    emit(turn, { type: "PolicyApplied", policy: `${name}@${version}`, numbers: { digest } });
    offerTo(turn, world.gateway.config?.clients ?? []);
  }
  for (const entry of [...world.sessions.values()]) {
    if (offered.ok) entry.policy = policyOf(turn, entry) ?? entry.policy;
    dispatch(turn, entry, { type: offered.ok ? "PolicyUpdated" : "PolicyInvalid" });
  }
}

/** On a client the gateway's offer stays binding; the other values come from the local policy. */
function policyOf(turn: Turn, entry: Entry): Entry["policy"] | null {
  const { current } = turn.world.policy;
  const { client } = entry;
  if (client === null) return policyOfKey(turn, entry.peer.key);
  if (current === null) return null;
  return guarded(turn, "policy", () => turn.world.domains.policy.policyFromOffer(client.offer, current.base), null);
}
