import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Contender, Disturbance, Ground } from "#lab/contenders/contender";
import { Netns } from "#lab/ip";
import type { Scope } from "#lab/scope";
import { PREFIX } from "#lab/stage";

/** Creates a folder that is removed with the scope. */
export function makeFolder(scope: Scope, name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `${PREFIX}${name}-`));
  scope.defer(`folder ${folder}`, () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Address families outside the tunnel. */
const FAMILIES = ["ipv4", "ipv6"] as const;
type Family = (typeof FAMILIES)[number];

interface Outer {
  readonly client: string;
  readonly gateway: string;
}

const OUTER: Readonly<Record<Family, { readonly prefix: string; readonly links: readonly [Outer, Outer] }>> = {
  ipv4: {
    prefix: "24",
    links: [
      { client: "10.1.0.2", gateway: "10.1.0.1" },
      { client: "10.2.0.2", gateway: "10.2.0.1" },
    ],
  },
  ipv6: {
    prefix: "64 nodad",
    links: [
      { client: "fd01::2", gateway: "fd01::1" },
      { client: "fd02::2", gateway: "fd02::1" },
    ],
  },
};

/**
 * Creates two namespaces that are joined by two veth pairs; each pair reaches the gateway. It shows the cost of a
 * packet path without a network.
 */
export async function layGround(scope: Scope, name: string, family: Family): Promise<Ground> {
  const client = await Netns.create(scope, `${PREFIX}${name}-client`);
  const gateway = await Netns.create(scope, `${PREFIX}${name}-gateway`);
  const { prefix, links } = OUTER[family];
  const [first] = links;
  for (const [index, outer] of links.entries()) {
    const [near, far] = [["eth0", "wlan0"][index], `up${index}`];
    await client.ip(`link add ${near} type veth peer name ${far} netns ${gateway.name}`);
    await client.ip(`addr add ${outer.client}/${prefix} dev ${near}`);
    await gateway.ip(`addr add ${outer.gateway}/${prefix} dev ${far}`);
    await client.ip(`link set ${near} up`);
    await gateway.ip(`link set ${far} up`);
    if (outer !== first) await client.ip(`route add ${first.gateway} via ${outer.gateway} dev ${near} metric 1000`);
  }
  const folder = makeFolder(scope, "bench");
  return { client, gateway, clientOuter: first.client, gatewayOuter: first.gateway, folder };
}

/** A contender that runs on a ground of its own, and the gateway's address through it. */
export interface Runner {
  readonly name: string;
  readonly address: string;
  readonly ground: Ground;
  readonly disturb: Disturbance | null;
}

/** Starts every contender that this machine has. Returns the reasons why the others are missing. */
export async function startAll(
  scope: Scope,
  contenders: readonly Contender[],
  progress: (line: string) => void,
  family: Family = "ipv4",
): Promise<{ running: readonly Runner[]; missing: Readonly<Record<string, string>> }> {
  const missing: Record<string, string> = {};
  const running: Runner[] = [];
  for (const contender of contenders) {
    const why = contender.missing();
    if (why !== null) {
      missing[contender.name] = why;
      progress(`${contender.name} does not take part: ${why}`);
      continue;
    }
    const ground = await layGround(scope, `${running.length}`, contender.family ?? family);
    const started = await contender.start(scope, ground);
    const { address, disturb = null } = typeof started === "string" ? { address: started } : started;
    running.push({ name: contender.name, address, ground, disturb });
  }
  return { running, missing };
}
