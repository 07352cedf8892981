import { backoff } from "#kernel/backoff";
import { type Link, PATHS_MAX, type PathDescription, type TransportKind } from "#kernel/contract/engine.generated";
import { PRIORITIES } from "#kernel/contract/priority";
import type { PathId } from "#kernel/contract/state";
import { covers, endpoint, familyOf } from "#kernel/ip";
import { type Millis, SECOND } from "#kernel/time";
import type { ClientConfig, PathRule } from "../contract.ts";
import { command } from "../emit.ts";
import { drainFindings } from "../session/findings.ts";
import { observe } from "../session/observe.ts";
import { pathLabel } from "../session/path-label.ts";
import { type Turn, touch } from "../turn.ts";
import type { ClientPath, ClientState, Entry } from "../world.ts";
import { addPath, retryCandidates } from "./candidates.ts";

/** The transport of every client path. */
const TRANSPORT: TransportKind = "udp";
/** Wait before a failed path is opened again: first and longest; it doubles in between. */
const REOPEN_FIRST_MS: Millis = 500;
const REOPEN_MAX_MS: Millis = 30 * SECOND;

/**
 * Kinds of links that carry packets inside others. Such a link is an uplink only if a rule names it: it may lead
 * through this tunnel, or through another client's.
 */
const TUNNELS: ReadonlySet<string> = new Set(
  "tun wireguard ovpn ipip sit gre ip6gre gretap ip6gretap ip6tnl vti vti6 xfrm erspan vxlan geneve gtp fou".split(" "),
);

type Spot = Pick<ClientPath, "label" | "ifname" | "ifindex" | "local" | "remote" | "priority" | "metered">;
const EVERY_INTERFACE: PathRule = { interface: "*", priority: "primary", metered: false };

/**
 * Makes the open paths match links and configuration. The session learns of a lost path first. Its socket is closed
 * only when the address or the interface is gone: until then an answer to a probe can bring the same path back.
 */
export function syncPaths(turn: Turn, entry: Entry | null): void {
  const { client } = turn.world;
  const wanted = wantedSpots(client, entry);
  for (const path of client.paths) {
    if (wanted.some((spot) => same(spot, path))) regain(turn, entry, path);
    else lose(turn, entry, path, client.links);
  }
  drainFindings(turn);
  closeGone(turn, entry);
  for (const spot of wanted) {
    if (client.paths.length < PATHS_MAX && !client.paths.some((path) => same(spot, path))) open(turn, spot, 0);
  }
  if (entry === null) return;
  retryCandidates(entry);
  touch(turn, entry);
}

/** The engine could not open a path, or the gateway closed it. It is opened again later under a new id. */
export function pathFailed(turn: Turn, entry: Entry | null, path: ClientPath): void {
  if (entry !== null) observe(turn, entry, { type: "Closed", path: path.id });
  path.socket = "failed";
  path.failures += 1;
  path.retryAt = turn.now + backoff(path.failures, REOPEN_FIRST_MS, REOPEN_MAX_MS);
}

/** The engine refused the command to open the path. */
export function pathRefused(turn: Turn, id: PathId): void {
  const path = turn.world.client.paths.find((known) => known.id === id);
  if (path?.socket === "opening") pathFailed(turn, null, path);
}

/** Opens failed paths again whose wait is over. */
export function reopenPaths(turn: Turn, entry: Entry | null): void {
  const { client } = turn.world;
  for (const path of client.paths.filter(
    ({ socket, retryAt }) => socket === "failed" && retryAt !== null && retryAt <= turn.now,
  )) {
    remove(turn, entry, path);
    open(turn, path, path.failures);
  }
}

export function nextReopen(client: ClientState): Millis | null {
  const times = client.paths.flatMap(({ socket, retryAt }) => (socket === "failed" && retryAt !== null ? [retryAt] : []));
  return times.length === 0 ? null : Math.min(...times);
}

/** The gateway to which paths lead: that of the live session, or else the one to be dialled. */
export function gatewayInUse(client: ClientState, entry: Entry | null): ClientConfig["gateways"][number] | null {
  const gateways = client.config?.gateways ?? [];
  const own = gateways.find((gateway) => gateway.key === entry?.peer.key);
  return own ?? gateways[client.gateway % Math.max(1, gateways.length)] ?? null;
}

function wantedSpots(client: ClientState, entry: Entry | null): readonly Spot[] {
  const gateway = gatewayInUse(client, entry);
  if (client.config === null || gateway === null) return [];
  const spots: Spot[] = [];
  for (const link of client.links) {
    const rule = ruleFor(client.config, link.name);
    if (!link.up || rule.priority === "never" || client.config.ownInterfaces.includes(link.name)) continue;
    if (link.kind !== null && TUNNELS.has(link.kind) && rule.interface === EVERY_INTERFACE.interface) continue;
    for (const address of gateway.addresses) {
      const spot = spotOn(link, rule, address, client.paths);
      if (spot !== null) spots.push({ ...spot, label: unique(spot.label, spots, spot.remote) });
    }
  }
  return spots.sort((a, b) => PRIORITIES.indexOf(a.priority) - PRIORITIES.indexOf(b.priority)).slice(0, PATHS_MAX);
}

/** `null` unless the link has an address of the gateway's family and a route that covers the gateway. */
function spotOn(link: Link, rule: PathRule, gateway: { ip: string; port: number }, paths: readonly ClientPath[]): Spot | null {
  const family = familyOf(gateway.ip);
  const locals = link.addresses.filter((address) => familyOf(address) === family);
  if (family === null || !link.routes.some((route) => covers(route, gateway.ip))) return null;
  const remote = endpoint(gateway.ip, gateway.port);
  const kept = paths.find((path) => path.ifindex === link.index && path.remote === remote && locals.includes(path.local));
  const local = kept?.local ?? locals[0];
  if (local === undefined) return null;
  const { priority, metered } = rule;
  const place = { ifname: link.name, local, remote };
  return { label: pathLabel(describe(place)), ...place, ifindex: link.index, priority, metered };
}

function describe({ ifname, local, remote }: Pick<Spot, "ifname" | "local" | "remote">): PathDescription {
  return { transport: TRANSPORT, local, remote, interface: ifname };
}

/** The first rule that matches the interface. If there are rules and none matches, the priority is `never`. */
export function ruleFor(config: Pick<ClientConfig, "paths">, ifname: string): PathRule {
  if (config.paths.length === 0) return EVERY_INTERFACE;
  return config.paths.find((rule) => glob(rule.interface, ifname)) ?? { ...EVERY_INTERFACE, priority: "never" };
}

/** `*` matches any number of characters; no other character is special. The cost per star is linear in the name. */
function glob(pattern: string, name: string): boolean {
  const parts = pattern.split("*");
  const first = parts[0] ?? "";
  if (parts.length === 1) return pattern === name;
  const last = parts[parts.length - 1] ?? "";
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at);
    if (found === -1 || found + part.length > name.length - last.length) return false;
    at = found + part.length;
  }
  return true;
}

function unique(label: string, spots: readonly Spot[], remote: string): string {
  return spots.some((spot) => spot.label === label) ? `${label}@${remote}` : label;
}

const same = (a: Spot, b: Spot): boolean =>
  a.ifname === b.ifname &&
  a.ifindex === b.ifindex &&
  a.local === b.local &&
  a.remote === b.remote &&
  a.priority === b.priority &&
  a.metered === b.metered;

function open(turn: Turn, spot: Spot, failures: number): void {
  const { client } = turn.world;
  const id = client.nextPathId++;
  const { label, ifname, ifindex, local, remote, priority, metered } = spot;
  client.paths.push({
    id,
    label,
    ifname,
    ifindex,
    local,
    remote,
    priority,
    metered,
    socket: "opening",
    failures,
    retryAt: null,
    lost: null,
  });
  command(turn, { type: "OpenPath", path: id, ifindex, description: describe(spot) });
}

function regain(turn: Turn, entry: Entry | null, path: ClientPath): void {
  if (path.socket === "failed") path.retryAt = turn.now;
  if (path.lost === null) return;
  path.lost = null;
  if (entry === null) return;
  if (entry.searchSince !== null) entry.searchSince = turn.now;
  observe(turn, entry, { type: "LinkBack", path: path.id });
  // The engine reports an answer on a dead path once. An answer that came while the link was still returning did not
  // count, so SetPathDead is repeated: the engine then reports the next answer as well.
  const { health } = entry.transport.paths.find(({ id }) => id === path.id) ?? { health: null };
  if (health?.is === "dead") command(turn, { type: "SetPathDead", session: entry.session.handle, path: path.id, dead: true });
  if (path.socket === "open") addPath(turn, entry, path);
}

function lose(turn: Turn, entry: Entry | null, path: ClientPath, links: readonly Link[]): void {
  const lost = whyLost(path, links);
  if (path.lost === lost) return;
  path.lost = lost;
  if (entry !== null) observe(turn, entry, { type: "LinkLost", path: path.id, reason: lost });
}

function whyLost(path: ClientPath, links: readonly Link[]): NonNullable<ClientPath["lost"]> {
  const link = links.find(({ name, index }) => name === path.ifname && index === path.ifindex);
  if (link === undefined || !link.up) return "link_down";
  return link.addresses.includes(path.local) ? "route_gone" : "address_gone";
}

/** Closes lost paths whose interface or address is gone, or which the configuration no longer wants. */
function closeGone(turn: Turn, entry: Entry | null): void {
  const { client } = turn.world;
  const gateway = gatewayInUse(client, entry);
  for (const path of client.paths.filter(({ lost }) => lost !== null)) {
    const link = client.links.find(({ name, index }) => name === path.ifname && index === path.ifindex);
    const rule = client.config === null ? EVERY_INTERFACE : ruleFor(client.config, path.ifname);
    const kept =
      link?.addresses.includes(path.local) === true &&
      rule.priority === path.priority &&
      rule.metered === path.metered &&
      gateway?.addresses.some(({ ip, port }) => endpoint(ip, port) === path.remote) === true;
    if (!kept) remove(turn, entry, path);
  }
}

function remove(turn: Turn, entry: Entry | null, path: ClientPath): void {
  const { client } = turn.world;
  client.paths = client.paths.filter((other) => other !== path);
  if (entry !== null) {
    observe(turn, entry, { type: "Removed", path: path.id });
    drainFindings(turn);
    if (entry.client !== null) delete entry.client.asked[path.id];
  }
  command(turn, { type: "ClosePath", path: path.id, reason: path.lost ?? "path_closed" });
}
