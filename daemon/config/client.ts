import { z } from "zod";
import type { PathRule } from "#core/contract";
import { atMost, checkDocument, faultAt, type Outcome, type TomlDocument } from "#daemon/config/document";
import {
  DEFAULT_PORT,
  daemonTable,
  engineTable,
  filePath,
  interfaceGlob,
  interfaceName,
  ipAddress,
  mtu,
  nodeName,
  oneOrMore,
  prefix,
  publicKey,
  remoteEndpoint,
} from "#daemon/config/fields";
import { keyLimitFaults } from "#daemon/config/key-limits";
import { type CommonSettings, commonSettings, mtuOf } from "#daemon/config/settings";
import type { Fault } from "#daemon/fault";
import { parseEndpoint } from "#daemon/net/address";
import { PRIORITIES } from "#kernel/contract/priority";

const schema = z.strictObject({
  client: z.strictObject({ reconnect: z.boolean().default(true), identity: filePath }),
  gateway: z
    .array(z.strictObject({ name: nodeName.optional(), address: oneOrMore(remoteEndpoint, 8), key: publicKey }))
    .min(1, "must have at least one entry")
    .max(8, "must have at most 8 entries"),
  tunnel: z
    .strictObject({
      interface: interfaceName.default("jvpn0"),
      routes: z.array(prefix).max(256, "must have at most 256 entries").optional(),
      mtu: mtu.default("auto"),
      dns: z.array(ipAddress).max(0, notAvailable("tunnel.dns")).optional(),
      dns_routes: z.array(z.string()).max(0, notAvailable("tunnel.dns_routes")).optional(),
      guard: z.literal("off", { error: notAvailable('tunnel.guard other than "off"') }).default("off"),
    })
    .default({ interface: "jvpn0", mtu: "auto", guard: "off" }),
  path: z
    .array(
      z.strictObject({
        match: z.strictObject({ interface: interfaceGlob }),
        priority: z.enum(PRIORITIES).default("primary"),
        metered: z.boolean().default(false),
      }),
    )
    .max(64, "must have at most 64 entries")
    .default([]),
  transports: z
    .strictObject({
      order: z
        .array(z.literal("udp", { error: notAvailable('a transport other than "udp"') }))
        .min(1)
        .max(1),
    })
    .optional(),
  daemon: daemonTable.default({}),
  engine: engineTable.prefault({}),
});

/** A planned setting that this version does not support is refused with this text, never ignored. */
function notAvailable(what: string): string {
  return `must be left out: ${what} is not available in this version`;
}

export interface ConfiguredGateway {
  readonly name: string;
  readonly key: string;
  /** Names or IP addresses with their port. */
  readonly endpoints: readonly { readonly host: string; readonly port: number }[];
}

export interface ClientSettings extends CommonSettings {
  readonly role: "client";
  readonly reconnect: boolean;
  readonly identity: string;
  readonly gateways: readonly ConfiguredGateway[];
  /** `null` = the networks of the inner addresses that the gateway assigns. */
  readonly routes: readonly string[] | null;
  readonly paths: readonly PathRule[];
}

export function clientSettings(document: TomlDocument): Outcome<ClientSettings> {
  const checked = checkDocument(document, schema);
  if (!checked.ok) return checked;
  const { client, gateway, tunnel, path, engine } = checked.value;
  const gateways = gateway.map((entry) => {
    const endpoints = entry.address.flatMap((text) => parseEndpoint(text, DEFAULT_PORT) ?? []);
    return { name: entry.name ?? endpoints[0]?.host ?? "gateway", key: entry.key, endpoints };
  });
  const faults = [...duplicateKeys(document, gateways), ...keyLimitFaults(document, engine, mtuOf(tunnel))];
  if (faults.length > 0) return { ok: false, faults: atMost(faults, document.file) };
  const settings: ClientSettings = {
    role: "client",
    reconnect: client.reconnect,
    identity: client.identity,
    gateways,
    routes: tunnel.routes ?? null,
    paths: path.map((rule) => ({ interface: rule.match.interface, priority: rule.priority, metered: rule.metered })),
    ...commonSettings(checked.value),
  };
  return { ok: true, value: settings };
}

function duplicateKeys(document: TomlDocument, gateways: readonly ConfiguredGateway[]): Fault[] {
  const seen = new Set<string>();
  return gateways.flatMap((gateway, index) => {
    if (!seen.has(gateway.key)) {
      seen.add(gateway.key);
      return [];
    }
    const [why, hint] = ["another gateway has the same key", "list all addresses of one gateway in one [[gateway]]"];
    return [faultAt(document, ["gateway", index, "key"], `duplicate gateway key ${JSON.stringify(gateway.key)}`, why, hint)];
  });
}
