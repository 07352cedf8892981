import { z } from "zod";
import { atMost, checkDocument, FAULTS_MAX, faultAt, type Outcome, type TomlDocument } from "#daemon/config/document";
import {
  DEFAULT_PORT,
  daemonTable,
  engineTable,
  filePath,
  interfaceName,
  ipAddress,
  listenEndpoint,
  mtu,
  nodeName,
  oneOrMore,
  prefix,
  publicKey,
} from "#daemon/config/fields";
import { keyLimitFaults } from "#daemon/config/key-limits";
import { type CommonSettings, commonSettings, mtuOf } from "#daemon/config/settings";
import type { Fault } from "#daemon/fault";
import { contains, formatAddress, formatPrefix, overlaps, type Prefix, parseEndpoint, parsePrefix } from "#daemon/net/address";
import { type Address, endpoint, parseAddress } from "#kernel/ip";

const CLIENTS_MAX = 131_072;
const WORKERS_MAX = 16;
const WORKERS = `must be "auto" or a whole number from 1 to ${WORKERS_MAX}`;

const schema = z.strictObject({
  gateway: z.strictObject({
    listen: z.array(listenEndpoint).min(1, "must name at least one address").max(16, "must have at most 16 entries"),
    identity: filePath,
    pools: z.array(prefix).min(1, "must name at least one network").max(2, "must have at most one IPv4 and one IPv6 network"),
    masquerade: z.boolean().default(false),
    dns: z.array(ipAddress).max(4, "must have at most 4 entries").default([]),
    workers: z.union([z.literal("auto"), z.int().min(1, WORKERS).max(WORKERS_MAX, WORKERS)], WORKERS).default("auto"),
  }),
  tunnel: z
    .strictObject({ interface: interfaceName.default("jvpn0"), mtu: mtu.default("auto") })
    .default({ interface: "jvpn0", mtu: "auto" }),
  client: z
    .array(
      z.strictObject({
        name: nodeName,
        key: publicKey,
        group: nodeName.optional(),
        address: oneOrMore(ipAddress, 2).optional(),
      }),
    )
    .max(CLIENTS_MAX, `must have at most ${CLIENTS_MAX} entries`)
    .default([]),
  daemon: daemonTable.default({}),
  engine: engineTable.prefault({}),
});

export interface ConfiguredClient {
  readonly name: string;
  readonly key: string;
  readonly group: string | null;
  /** Fixed addresses, at most one per family; without them the pool assigns addresses. */
  readonly addresses: readonly Address[];
}

export interface Pools {
  readonly v4: Prefix | null;
  readonly v6: Prefix | null;
}

export interface GatewaySettings extends CommonSettings {
  readonly role: "gateway";
  readonly listen: readonly string[];
  readonly identity: string;
  readonly pools: Pools;
  readonly masquerade: boolean;
  readonly dns: readonly string[];
  /** Threads that move packets, each for its own part of the sessions; `auto` = the engine chooses for the machine. */
  readonly workers: number | "auto";
  readonly clients: readonly ConfiguredClient[];
}

/** Also refuses what the schema cannot check: duplicate names, keys and addresses, and addresses outside the pools. */
export function gatewaySettings(document: TomlDocument): Outcome<GatewaySettings> {
  const checked = checkDocument(document, schema);
  if (!checked.ok) return checked;
  const { gateway, client, tunnel, engine } = checked.value;
  const prefixes = gateway.pools.flatMap((pool) => parsePrefix(pool) ?? []);
  const pools: Pools = {
    v4: prefixes.find((pool) => pool.family === 4) ?? null,
    v6: prefixes.find((pool) => pool.family === 6) ?? null,
  };
  const clients = client.map((entry) => ({
    name: entry.name,
    key: entry.key,
    group: entry.group ?? null,
    addresses: (entry.address ?? []).flatMap((address) => parseAddress(address) ?? []),
  }));
  const faults = [
    ...listenFaults(document, gateway.listen),
    ...poolFaults(document, prefixes),
    ...clientFaults(document, clients, pools),
    ...keyLimitFaults(document, engine, mtuOf(tunnel)),
  ];
  if (faults.length > 0) return { ok: false, faults: atMost(faults, document.file) };
  const listen = gateway.listen.flatMap((text) => {
    const parsed = parseEndpoint(text, DEFAULT_PORT);
    return parsed === undefined ? [] : [endpoint(parsed.host, parsed.port)];
  });
  const settings: GatewaySettings = {
    role: "gateway",
    listen,
    identity: gateway.identity,
    pools,
    masquerade: gateway.masquerade,
    dns: gateway.dns,
    workers: gateway.workers,
    clients,
    ...commonSettings(checked.value),
  };
  return { ok: true, value: settings };
}

function poolFaults(document: TomlDocument, pools: readonly Prefix[]): Fault[] {
  const path = ["gateway", "pools"];
  if (pools.length === 2 && pools[0]?.family === pools[1]?.family) {
    return [
      faultAt(
        document,
        path,
        "two pools of one address family",
        "a gateway has at most one IPv4 and one IPv6 pool",
        "keep one of them",
      ),
    ];
  }
  const reserved = overlapping(pools);
  if (reserved !== null) {
    const [pool, { network, use }] = reserved;
    const hint = "choose a private network, such as 10.80.0.0/16 or fd80::/64";
    return [faultAt(document, path, `the pool ${formatPrefix(pool)} cannot be used`, `${network} is ${use}`, hint)];
  }
  const small = pools.find((pool) => (pool.family === 4 ? pool.length > 30 : pool.length > 126));
  if (small === undefined) return [];
  return [
    faultAt(
      document,
      path,
      "a pool is too small",
      "it must have room for the gateway's own address and one client",
      "use at least /30 or /126",
    ),
  ];
}

/** Networks that no host can have (RFC 6890). */
const RESERVED = [
  { network: "0.0.0.0/8", use: "this network itself" },
  { network: "127.0.0.0/8", use: "the loopback network" },
  { network: "169.254.0.0/16", use: "for link-local addresses" },
  { network: "224.0.0.0/4", use: "for multicast" },
  { network: "240.0.0.0/4", use: "reserved" },
  { network: "::/8", use: "reserved, with the loopback address" },
  { network: "fe80::/10", use: "for link-local addresses" },
  { network: "ff00::/8", use: "for multicast" },
] as const;

function overlapping(pools: readonly Prefix[]): readonly [Prefix, (typeof RESERVED)[number]] | null {
  for (const pool of pools) {
    const reserved = RESERVED.find(({ network }) => [parsePrefix(network)].some((other) => other && overlaps(pool, other)));
    if (reserved !== undefined) return [pool, reserved];
  }
  return null;
}

/** Two sockets cannot have one address and port, and a wildcard address takes all addresses of its family. */
function listenFaults(document: TomlDocument, listen: readonly string[]): Fault[] {
  const places = listen.flatMap((text) => {
    const parsed = parseEndpoint(text, DEFAULT_PORT);
    const address = parsed === undefined ? undefined : parseAddress(parsed.host);
    return parsed === undefined || address === undefined ? [] : [{ text, port: parsed.port, ...address }];
  });
  return places.flatMap((place, index) => {
    const before = places.slice(0, index).find(({ port, family, value }) => {
      return port === place.port && family === place.family && (value === place.value || value === 0n || place.value === 0n);
    });
    if (before === undefined) return [];
    const what = `cannot listen on ${place.text} and on ${before.text}`;
    const why = before.value === place.value ? "they are the same" : "one of them stands for all addresses";
    return [faultAt(document, ["gateway", "listen"], what, why, "remove one of them")];
  });
}

function clientFaults(document: TomlDocument, clients: readonly ConfiguredClient[], pools: Pools): Fault[] {
  const faults: Fault[] = [];
  const seen = { name: new Map<string, number>(), key: new Map<string, number>(), address: new Map<string, number>() };
  const unique = (kind: keyof typeof seen, value: string, index: number) => {
    const before = seen[kind].get(value);
    seen[kind].set(value, before ?? index);
    if (before === undefined) return;
    const first = clients[before]?.name ?? "";
    const path = ["client", index, kind];
    const [why, hint] = [`client ${JSON.stringify(first)} has the same ${kind}`, "each client needs its own"];
    faults.push(faultAt(document, path, `duplicate client ${kind} ${JSON.stringify(value)}`, why, hint));
  };
  for (const [index, client] of clients.entries()) {
    // Each fault looks for its line in the whole file.
    if (faults.length > FAULTS_MAX) break;
    unique("name", client.name, index);
    unique("key", client.key, index);
    for (const address of client.addresses) {
      unique("address", formatAddress(address), index);
      const why = addressRefusal(address, pools);
      const hint = "choose an address inside the pool, or leave it out: then the pool assigns one";
      if (why !== null)
        faults.push(
          faultAt(document, ["client", index, "address"], `client address ${formatAddress(address)} cannot be used`, why, hint),
        );
    }
    if (client.addresses.length === 2 && client.addresses[0]?.family === client.addresses[1]?.family) {
      const why = "a client has at most one IPv4 and one IPv6 address";
      faults.push(faultAt(document, ["client", index, "address"], "two client addresses of one family", why, "keep one of them"));
    }
  }
  return faults;
}

/** Why a client cannot have this address, or `null`. The first host of a pool is the gateway's own address. */
function addressRefusal(address: Address, pools: Pools): string | null {
  const pool = address.family === 4 ? pools.v4 : pools.v6;
  if (pool === null) return `there is no IPv${address.family} pool`;
  if (!contains(pool, address)) return `it is outside the pool ${formatAddress(pool)}/${pool.length}`;
  const offset = address.value - pool.value;
  if (offset === 0n) return "it is the network's own address";
  if (offset === 1n) return "it is the gateway's own address";
  if (address.family === 4 && offset === (1n << BigInt(32 - pool.length)) - 1n) return "it is the broadcast address";
  return null;
}
