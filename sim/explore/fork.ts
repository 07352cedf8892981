import { createCore, type Entry, type World } from "#core/world";

/** Makes an independent copy of a world. The values are immutable and shared, so that only references are copied. */
export function fork(from: World): World {
  const { now, stopping, policy, authority, security, health, ended, wakeAt, client, gateway } = from;
  const to = createCore(from.role, from.domains);
  Object.assign(to, { now, stopping, policy, authority, security, health, ended, wakeAt });
  Object.assign(to.client, { ...client, paths: client.paths.map((path) => ({ ...path })), dial: { ...client.dial } });
  to.gateway.config = gateway.config;
  for (const [key, value] of gateway.clients) to.gateway.clients.set(key, value);
  for (const [key, value] of gateway.byKey) to.gateway.byKey.set(key, value);
  for (const [key, value] of gateway.waiting) to.gateway.waiting.set(key, value);
  for (const [token, handle] of gateway.requests) to.gateway.requests.set(token, handle);
  to.gateway.nextToken = gateway.nextToken;
  for (const [handle, entry] of from.sessions.entries()) to.sessions.set(handle, forkEntry(entry));
  for (const [key, at] of from.deadlines.entries()) to.deadlines.set(key, at);
  return to;
}

function forkEntry(entry: Entry): Entry {
  return { ...entry, client: entry.client === null ? null : { ...entry.client, asked: { ...entry.client.asked } } };
}
