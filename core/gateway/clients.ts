import { type Policy, policyFor } from "#domains/policy/model";
import type { Reason } from "#kernel/contract/reason";
import type { GatewayConfig } from "../contract.ts";
import { command } from "../emit.ts";
import { guarded } from "../fence/guard.ts";
import { dispatch } from "../session/sessions.ts";
import type { Turn } from "../turn.ts";
import type { Entry } from "../world.ts";

type Client = GatewayConfig["clients"][number];

/** Applies a new list of clients. Sessions of removed clients end. New clients and changed groups get a new offer. */
export function configureClients(turn: Turn, config: GatewayConfig): void {
  const { gateway } = turn.world;
  const before = new Map(gateway.clients);
  gateway.config = config;
  gateway.clients.clear();
  for (const client of config.clients) gateway.clients.set(client.key, client);
  for (const key of before.keys()) if (!gateway.clients.has(key)) removeClient(turn, key);
  offerTo(
    turn,
    config.clients.filter(({ key, group }) => !before.has(key) || before.get(key)?.group !== group),
  );
}

/** Sends the offer of each of these clients to the engine. Without a policy there is no offer yet. */
export function offerTo(turn: Turn, clients: readonly Client[]): void {
  const { current } = turn.world.policy;
  if (current === null) return;
  for (const { key, group } of clients) {
    const offer = guarded(turn, "policy", () => turn.world.domains.policy.offerOf(policyFor(current, group)), null);
    if (offer !== null) command(turn, { type: "SetPeer", peer: { key, offer } });
  }
}

/** The policy that applies now to the client with this key; `null` = there is no policy yet. */
export function policyOfKey(turn: Turn, key: string): Policy | null {
  const { policy, gateway } = turn.world;
  const group = gateway.clients.get(key)?.group ?? null;
  return policy.current === null ? null : policyFor(policy.current, group);
}

/**
 * Tells the engine what became of a client's newest session, so that it can answer a client which was away when its
 * session ended. For a client that was removed, `RemovePeer` says it.
 */
export function tellStanding(turn: Turn, { session, peer }: Entry, ended: Reason | null): void {
  if (!turn.world.gateway.clients.has(peer.key)) return;
  command(turn, { type: "SetStanding", key: peer.key, sessionId: session.id, ended });
}

function removeClient(turn: Turn, key: string): void {
  const { gateway, sessions } = turn.world;
  command(turn, { type: "RemovePeer", key, reason: "client_removed" });
  const handle = gateway.byKey.get(key);
  const entry = handle === undefined ? undefined : sessions.get(handle);
  const numbers = { actor: "configuration" };
  if (entry !== undefined) dispatch(turn, entry, { type: "OperatorTerminate", reason: "client_removed", numbers });
}
