import { type Domains, REAL_DOMAINS } from "../fence/domains.ts";
import { createCore, type Entry, type World } from "../world.ts";

/** A world as plain JSON, from which a journal can start. Worlds with equal snapshots answer every input equally. */
interface Snapshot {
  readonly role: World["role"];
  readonly state: Pick<World, (typeof PLAIN)[number]>;
  readonly sessions: readonly (readonly [number, Entry])[];
  readonly deadlines: readonly (readonly [number, number])[];
  readonly gateway: {
    readonly config: World["gateway"]["config"];
    readonly byKey: readonly (readonly [string, number])[];
    readonly waiting: readonly (readonly [number, number])[];
    readonly requests: readonly (readonly [number, number])[];
    readonly nextToken: number;
  };
}

/** Members of the world that are already plain JSON. */
const PLAIN = ["now", "stopping", "policy", "authority", "security", "health", "ended", "wakeAt", "client"] as const;

/** A deep copy, so that the world can change afterwards. */
export function snapshot(world: World): Snapshot {
  const { gateway } = world;
  const state = Object.fromEntries(PLAIN.map((name) => [name, world[name]])) as Snapshot["state"];
  return copy({
    role: world.role,
    state,
    sessions: [...world.sessions.entries()],
    deadlines: world.deadlines.entries(),
    gateway: {
      config: gateway.config,
      byKey: [...gateway.byKey],
      waiting: [...gateway.waiting],
      requests: [...gateway.requests],
      nextToken: gateway.nextToken,
    },
  });
}

/** A world that continues from the snapshot. Proofs do not survive JSON, but no state contains one. */
export function restore(from: Snapshot, domains: Domains = REAL_DOMAINS): World {
  const { role, state, sessions, deadlines, gateway } = copy(from);
  const world: World = Object.assign(createCore(role, domains), state);
  for (const [handle, entry] of sessions) world.sessions.set(handle, entry);
  for (const [key, at] of deadlines) world.deadlines.set(key, at);
  world.gateway.config = gateway.config;
  for (const client of gateway.config?.clients ?? []) world.gateway.clients.set(client.key, client);
  for (const [key, handle] of gateway.byKey) world.gateway.byKey.set(key, handle);
  for (const [old, waiter] of gateway.waiting) world.gateway.waiting.set(old, waiter);
  for (const [token, handle] of gateway.requests) world.gateway.requests.set(token, handle);
  world.gateway.nextToken = gateway.nextToken;
  return world;
}

function copy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
