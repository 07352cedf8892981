import type { UnresolvedName } from "#kernel/contract/control";
import { REASONS, type Reason } from "#kernel/contract/reason";

/** What a person can do about a dial that failed for this reason. */
const REMEDIES: Partial<Readonly<Record<Reason, string>>> = {
  policy_invalid: "run `jvpn config check` at this end and at the gateway",
  address_pool_exhausted: "give the gateway a larger pool, or configure fewer clients there",
  resource_exhausted: "look at the gateway's log: a table is full, or its store failed",
  store_outcome_unknown: "look at the gateway's log; the client tries again by itself",
  authority_unreachable: "look at `jvpn status` at the gateway",
  session_cloned: "give each machine its own key: another one with this key is connected",
  birth_timeout: "look for loss on the path to the gateway, and at its log",
  client_removed: "add this client's key to the gateway's configuration again, and reload it",
  target_unusable: "nothing: the path died while the gateway answered, and the client tries again",
};

/** Why a gateway's name has no address. */
export function unresolvedText({ name, why, inUse }: UnresolvedName): string {
  return `${name} does not resolve: ${why}${inUse.length === 0 ? "" : `; in use are its last addresses ${inUse.join(", ")}`}`;
}

/** Why dialling has no success, and what to do: by the last dial that failed, not by the end of the last session. */
export function dialAdvice(publicKey: string | null, lastReason: Reason | null): readonly string[] {
  if (lastReason === "no_candidate") {
    return ["  why: the dial's paths were lost before a gateway answered", "  do:  see which links are usable with `jvpn paths`"];
  }
  // No gateway has answered: all that is known is that none did.
  if (lastReason === null || lastReason === "dial_unanswered") {
    return [
      "  why: the gateway is unreachable, UDP to it is blocked, its key does not match, or it does not list this client",
      `  do:  check that the gateway lists this client's key: ${publicKey ?? "see `jvpn pubkey`"}`,
    ];
  }
  const remedy = REMEDIES[lastReason] ?? "run `jvpn status` and `jvpn watch` at the gateway, while this client tries";
  return [`  why: the gateway answered, and gave no session: ${REASONS[lastReason]}`, `  do:  ${remedy}`];
}
