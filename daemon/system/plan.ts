import type { ClientSettings } from "#daemon/config/client";
import type { GatewaySettings } from "#daemon/config/gateway";
import { formatPrefix, networkOf, type Prefix, parsePrefix } from "#daemon/net/address";
import { type LocalNetwork, overlapsOf } from "#daemon/net/local-networks";
import { gatewayAddresses } from "#daemon/store/lease-book";
import { backstopOf, destinationOf } from "#daemon/system/backstop";
import type { Change, Lasting } from "#daemon/system/change";
import type { Assignment } from "#kernel/contract/engine.generated";
import { type Family, parseAddress } from "#kernel/ip";

/** The settings of this node's TUN device, and the changes that make them. */
export interface TunnelPlan {
  readonly addresses: readonly string[];
  readonly routes: readonly string[];
  readonly mtu: number;
  /** What holds back the traffic of the tunnel without it, made before the changes; `null` = what is there stays. */
  readonly backstop: readonly Lasting[] | null;
  readonly changes: readonly Change[];
  /** Settings that are left out, and why. */
  readonly warnings: readonly string[];
}

/** Shortest prefix of a gateway's network: a wider network would draw foreign traffic into the tunnel. */
const PREFIX_MIN: Readonly<Record<Family, number>> = { 4: 8, 6: 32 };

/** Below this MTU, Linux removes the IPv6 addresses of an interface and does not restore them. */
const TUN_MTU_MIN = 1_280;

export interface MachineFacts {
  /** The networks of the other interfaces. */
  readonly networks: readonly LocalNetwork[];
  /** False if IPv6 is disabled on this machine. */
  readonly ipv6: boolean;
  /** Interfaces that accept router advertisements only while the machine does not forward (`accept_ra` = 1). */
  readonly routerAdvertised: readonly string[];
  /**
   * Interfaces with `rp_filter` = 1: they drop packets whose reverse route leads through another link.
   */
  readonly reversePathStrict: readonly string[];
}

/** The plan of a client: its inner addresses as single hosts, the backstop, and the routes into the tunnel. */
export function clientPlan(settings: ClientSettings, assignment: Assignment, facts: MachineFacts): TunnelPlan {
  const warnings: string[] = [];
  const inner = innerPrefixes(assignment).filter((prefix) => keepFamily(prefix.family, facts, warnings));
  const wanted = settings.routes?.flatMap((text) => parsePrefix(text) ?? []) ?? inner.map(networkOf);
  const families = new Set(inner.map((prefix) => prefix.family));
  const routes = wanted.filter((route) => families.has(route.family));
  const left = wanted.filter((route) => !families.has(route.family));
  if (left.length > 0)
    warnings.push(`traffic for ${left.map(formatPrefix).join(", ")} is held back: the tunnel has no address of that family`);
  for (const { wanted: route, local } of overlapsOf(
    routes.filter(({ length }) => length > 0),
    facts.networks,
  )) {
    const shared = `${formatPrefix(local.network)} of ${local.interface}`;
    warnings.push(`${formatPrefix(route)} overlaps ${shared}: of hosts there and in the tunnel, only some can be reached`);
  }
  if (facts.reversePathStrict.length > 0) {
    const names = facts.reversePathStrict.join(", ");
    warnings.push(`rp_filter is 1 on ${names}: with several links, answers may be dropped; set net.ipv4.conf.all.rp_filter = 2`);
  }
  const mtu = Math.max(TUN_MTU_MIN, assignment.mtu > 0 ? Math.min(settings.mtu, assignment.mtu) : settings.mtu);
  const addresses = inner.map((prefix) => formatPrefix({ ...prefix, length: prefix.family === 4 ? 32 : 128 }));
  const tun = settings.interface;
  const changes = [
    mtuChange(tun, mtu),
    ...noLinkLocal(tun, facts),
    ...addresses.map((address) => addressChange(tun, address)),
    ...routes.map((route) => routeChange(tun, route)),
  ];
  // A machine without IPv6 sends none, and has no table for its routes.
  const backstop = backstopOf(
    wanted.filter(({ family }) => family === 4 || facts.ipv6),
    settings.mark,
  );
  return { addresses, routes: routes.map(formatPrefix), mtu, backstop, changes: sortedByFamily(changes), warnings };
}

/**
 * The plan of a client without a session: the networks that the backstop closes lead into the device, which drops their
 * packets. An unreachable route alone would also close the way back: with `rp_filter`, the kernel drops the gateway's
 * answers, and there would never be a session again.
 */
export function holdingPlan(settings: ClientSettings, closed: readonly string[], facts: MachineFacts): TunnelPlan {
  const tun = settings.interface;
  const networks = closed.flatMap((text) => parsePrefix(text) ?? []).filter(({ family }) => family === 4 || facts.ipv6);
  const routes = networks.map((network) => routeChange(tun, network));
  const changes = sortedByFamily([mtuChange(tun, settings.mtu), ...noLinkLocal(tun, facts), ...routes]);
  return { addresses: [], routes: [], mtu: settings.mtu, backstop: null, changes, warnings: [] };
}

/**
 * Why an assignment is refused, or `null`. Without `routes` in the configuration, its prefix lengths decide which
 * traffic enters the tunnel. Only the client's user may choose a default route, not the gateway.
 */
export function assignmentFault(settings: Pick<ClientSettings, "routes">, assignment: Assignment): string | null {
  if (settings.routes !== null) return null;
  const wide = innerPrefixes(assignment).find(({ family, length }) => length < PREFIX_MIN[family]);
  if (wide === undefined) return null;
  return `the gateway's network ${formatPrefix(wide)} is wider than /${PREFIX_MIN[wide.family]}; set \`routes\` in [tunnel]`;
}

/**
 * The plan of a gateway: the first host of each pool with the pool's prefix, so that the kernel routes the pool;
 * forwarding; and masquerading, if it is configured.
 */
export function gatewayPlan(settings: GatewaySettings, facts: MachineFacts): TunnelPlan {
  const warnings: string[] = [];
  const pools = [settings.pools.v4, settings.pools.v6].filter((pool) => pool !== null);
  const usable = pools.filter((pool) => keepFamily(pool.family, facts, warnings));
  const families = new Set(usable.map((pool) => pool.family));
  const addresses = gatewayAddresses({
    v4: families.has(4) ? settings.pools.v4 : null,
    v6: families.has(6) ? settings.pools.v6 : null,
  });
  const tun = settings.interface;
  const changes: Change[] = [
    mtuChange(tun, settings.mtu),
    ...noLinkLocal(tun, facts),
    ...addresses.map((address) => addressChange(tun, address)),
  ];
  if (families.has(4)) changes.push({ kind: "sysctl", key: "net.ipv4.ip_forward", value: "1" });
  if (families.has(6)) {
    // A machine that forwards ignores router advertisements unless accept_ra is 2, and would lose its default route.
    for (const name of facts.routerAdvertised)
      changes.push({ kind: "sysctl", key: `net.ipv6.conf.${name}.accept_ra`, value: "2" });
    changes.push({ kind: "sysctl", key: "net.ipv6.conf.all.forwarding", value: "1" });
  }
  if (settings.masquerade) changes.push(...usable.map((pool) => masquerade(tun, pool)));
  const routes = usable.map(formatPrefix);
  return { addresses, routes, mtu: settings.mtu, backstop: [], changes: sortedByFamily(changes), warnings };
}

function innerPrefixes(assignment: Assignment): Prefix[] {
  return [
    { text: assignment.v4, length: assignment.v4Prefix },
    { text: assignment.v6, length: assignment.v6Prefix },
  ].flatMap(({ text, length }) => {
    const address = text === null ? undefined : parseAddress(text);
    return address === undefined ? [] : [{ ...address, length }];
  });
}

function keepFamily(family: Family, facts: MachineFacts, warnings: string[]): boolean {
  if (family === 4 || facts.ipv6) return true;
  warnings.push("IPv6 is disabled on this machine: the tunnel has no IPv6 address");
  return false;
}

const familyOf = (text: string): Family => (text.includes(":") ? 6 : 4);

function mtuChange(tun: string, mtu: number): Change {
  return { kind: "ip", family: 4, args: ["link", "set", "dev", tun, "mtu", String(mtu), "up"], undo: null };
}

/** Removes the kernel's link-local address: it only causes router solicitations, which the other end refuses. */
function noLinkLocal(tun: string, facts: MachineFacts): Change[] {
  if (!facts.ipv6) return [];
  return [
    { kind: "ip", family: 6, args: ["link", "set", "dev", tun, "addrgenmode", "none"], undo: null },
    { kind: "ip", family: 6, args: ["address", "flush", "dev", tun, "scope", "link"], undo: null },
  ];
}

function addressChange(tun: string, address: string): Change {
  const family = familyOf(address);
  const args = ["address", "add", address, "dev", tun, ...(family === 6 ? ["nodad"] : [])];
  return { kind: "ip", family, args, undo: ["address", "del", address, "dev", tun] };
}

function routeChange(tun: string, route: Prefix): Change {
  const target = [...destinationOf(route), "dev", tun];
  return { kind: "ip", family: route.family, args: ["route", "add", ...target], undo: ["route", "del", ...target] };
}

function masquerade(tun: string, pool: Prefix): Change {
  const family = pool.family === 4 ? "ip" : "ip6";
  const table = `${family} jvpn_${tun.replaceAll(/[^A-Za-z0-9_]/g, "_")}`;
  const rule = `${family} saddr ${formatPrefix(pool)} oifname != "${tun}" masquerade`;
  const chain = ["chain postrouting {", "type nat hook postrouting priority 100; policy accept;", rule, "}"];
  return { kind: "nft", script: [`table ${table} {`, ...chain, "}", ""].join("\n"), undo: `delete table ${table}\n` };
}

/** A stable sort: IPv4, then IPv6, so that one run of `ip` serves each family; other changes follow in their order. */
function sortedByFamily(changes: readonly Change[]): Change[] {
  const rank = (change: Change) => (change.kind === "ip" ? change.family : 7);
  return changes.toSorted((a, b) => rank(a) - rank(b));
}
