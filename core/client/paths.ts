import type { Link, PathDescription, TransportKind } from "#kernel/contract/engine.generated";
import type { PathId } from "#kernel/contract/state";
import { covers, endpoint, familyOf } from "#kernel/ip";
import { type Millis, SECOND } from "#kernel/time";
import type { ClientConfig, PathRule } from "../contract.ts";
import { command } from "../emit.ts";
import { drainFindings } from "../findings.ts";
import { observe } from "../observe.ts";
import { pathLabel } from "../path-label.ts";
import { type Turn, touch } from "../turn.ts";
import type { ClientPath, ClientState, Entry } from "../world.ts";
import { addPath, retryCandidates } from "./candidates.ts";

/** What carries every path of a client. */
const TRANSPORT: TransportKind = "udp";
/** Paths that a client keeps open; the best by rule and order of the links. */
const PATHS_MAX = 8;
/** Opening again after a failure: doubling from the first to the second. */
const REOPEN_FIRST_MS: Millis = 500;
const REOPEN_MAX_MS: Millis = 30 * SECOND;

type Spot = Pick<ClientPath, "label" | "ifname" | "ifindex" | "local" | "remote" | "priority" | "metered">;
const CLASSES = ["primary", "secondary", "backup", "never"] as const;
const EVERY_INTERFACE: PathRule = { interface: "*", priority: "primary", metered: false };

/**
 * Brings the open paths in line with links and configuration. What is lost is told to the session first, and its socket goes
 * only when address or interface are gone: while they stay, the same path can come back by an answer to a probe.
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

/** The engine could not open a path, or the gateway closed it: another one, under a new id, later. */
export function pathFailed(turn: Turn, entry: Entry | null, path: ClientPath): void {
  if (entry !== null) observe(turn, entry, { type: "Closed", path: path.id });
  path.socket = "failed";
  path.failures += 1;
  path.retryAt = turn.now + Math.min(REOPEN_MAX_MS, REOPEN_FIRST_MS * 2 ** Math.min(path.failures - 1, 10));
}

/** The engine did not even try to open it. */
export function pathRefused(turn: Turn, id: PathId): void {
  const path = turn.world.client.paths.find((known) => known.id === id);
  if (path?.socket === "opening") pathFailed(turn, null, path);
}

/** Opens again what failed and waited long enough. */
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

/** The gateway that paths lead to: the session's while one lives, else the one to be dialled. */
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
    for (const address of gateway.addresses) {
      const spot = spotOn(link, rule, address, client.paths);
      if (spot !== null) spots.push({ ...spot, label: unique(spot.label, spots, spot.remote) });
    }
  }
  return spots.sort((a, b) => CLASSES.indexOf(a.priority) - CLASSES.indexOf(b.priority)).slice(0, PATHS_MAX);
}

/** Usable = an address of the family, and a route through the interface that covers the gateway. */
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

/** The first rule that names an interface; with rules, what none names is never used. */
export function ruleFor(config: Pick<ClientConfig, "paths">, ifname: string): PathRule {
  if (config.paths.length === 0) return EVERY_INTERFACE;
  return config.paths.find((rule) => glob(rule.interface, ifname)) ?? { ...EVERY_INTERFACE, priority: "never" };
}

/** `*` stands for any number of characters; nothing else is special. Linear in the name for each star. */
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
  // The engine tells an answer once. One that came between two steps of the link's return was told too early to count, so it is
  // asked to tell the next one again.
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

/** Sockets whose interface or address is gone, or that the configuration does not want any more. */
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
