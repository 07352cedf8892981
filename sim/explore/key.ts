import type { World } from "#core/world";
import type { Judge } from "./judge.ts";
import { Walk } from "./walk.ts";

/** States with rules that depend on the time since they were entered. */
const TIMED: ReadonlySet<string> = new Set(["VOLATILE", "RECOVERING"]);

/** Members of a dial and of a session's entry that `keyOf` handles itself. */
const DIALLED: ReadonlySet<string> = new Set(["id", "failures", "phase"]);
const NAMED: ReadonlySet<string> = new Set(["session", "security", "policy"]);

/** Key of a state. It is equal for two worlds that no input and no law can distinguish, whatever their clocks show. */
export function keyOf(world: World, judge: Judge, now: number): number {
  const paths = pathsIn(world, judge);
  const walk = new Walk(now, paths, [...world.sessions.keys()]);
  const { client, gateway } = world;
  const { policy, authority } = world;
  walk.value(policy.current?.base.name ?? null, "");
  walk.value(policy.valid, "");
  walk.value(authority.state, "");
  walk.member("deadline", authority.state === "held" ? authority.deadline : null);
  walk.value(world.stopping, "");
  walk.constant(client.links);
  walk.value(client.gateway, "");
  walk.value(client.config?.reconnect ?? null, "");
  walk.value(gateway.clients.size, "");
  for (const { id, failures, retryAt, lost, socket, ifname } of client.paths) {
    walk.member("path", id);
    walk.value(ifname, "");
    walk.value(socket, "");
    walk.value(lost, "");
    walk.member("retryAt", retryAt);
    walk.value(Math.min(failures, 4), "");
  }
  const { dial } = client;
  for (const name in dial) if (!DIALLED.has(name)) walk.member(name, dial[name as keyof typeof dial]);
  walk.value(Math.min(dial.failures, 4), "");
  const { phase } = dial;
  if (phase.is === "running") for (const path of phase.paths) walk.member("path", path);
  for (const name in phase) if (name !== "paths") walk.member(name, phase[name as keyof typeof phase]);
  walk.member("current", client.current);
  for (const [handle, entry] of world.sessions.entries()) {
    walk.member("handle", handle);
    walk.value(entry.policy.name, "");
    for (const name in entry) if (!NAMED.has(name)) walk.member(name, entry[name as keyof typeof entry]);
    const { session } = entry;
    for (const name in session) {
      if (name !== "since" || TIMED.has(session.state)) walk.member(name, session[name as keyof typeof session]);
    }
    walk.member("switches", entry.security.failures);
  }
  for (const [key, handle] of gateway.byKey) walk.value({ key, handle }, "");
  for (const [old, waiter] of gateway.waiting) walk.value([{ handle: old }, { handle: waiter }], "");
  for (const handle of gateway.requests.values()) walk.value({ handle }, "");
  judge.name(walk);
  return walk.digest.value;
}

function pathsIn(world: World, judge: Judge): readonly number[] {
  const paths = new Set<number>(judge.paths);
  for (const { id } of world.client.paths) paths.add(id);
  for (const { session, transport, shunned } of world.sessions.values()) {
    for (const { id } of transport.paths) paths.add(id);
    for (const { path } of shunned) paths.add(path);
    if ("lastActive" in session && session.lastActive !== null) paths.add(session.lastActive);
    if ("target" in session) paths.add(session.target);
  }
  return [...paths].sort((a, b) => a - b);
}
