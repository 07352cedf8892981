/** The router of a topology with `nat`. It uses nftables and connection tracking. */
import { command, type Netns } from "./ip.ts";
import { ROUTER_PORT } from "./topology.ts";

/** A range of ports. */
export type Ports = `${number}-${number}`;

/**
 * Packets of clients to the gateway get the router's address and a port of this range as their source. Networks in
 * `apart` have ranges of their own. Earlier rules are replaced.
 */
export async function masquerade(router: Netns, ports: Ports, apart: Readonly<Record<string, Ports>> = {}): Promise<void> {
  const rule = (network: string, range: Ports): string =>
    `oifname "${ROUTER_PORT}" ip saddr ${network} udp dport 4774 masquerade to :${range}`;
  const rules = `table ip nat
delete table ip nat
table ip nat {
  chain postrouting {
    type nat hook postrouting priority srcnat;
    ${[...Object.entries(apart), [CLIENTS, ports] as const].map(([network, range]) => rule(network, range as Ports)).join("\n    ")}
  }
}`;
  await run(router, "nft", [rules]);
}

/** Addresses of all uplinks. */
const CLIENTS = "10.0.0.0/8";

/** Gives every flow a new port. The port range must change: a flow that is only forgotten gets the same port again. */
export async function rebind(router: Netns, ports: Ports): Promise<void> {
  await masquerade(router, ports);
  await run(router, "conntrack", ["-F"]);
}

/** Gives the flows of one client address new ports of `range`; all others keep theirs, of `ports`. */
export async function rebindOnly(router: Netns, address: string, range: Ports, ports: Ports): Promise<void> {
  await masquerade(router, ports, { [`${address}/32`]: range });
  await run(router, "conntrack", ["-D", "-s", address]).catch((error: Error) => {
    // The path was silent since the last time, so there is no flow to forget.
    if (!error.message.includes("0 flow entries")) throw error;
  });
}

/** Drops datagrams of this many bytes on their way from an uplink to the gateway, until `release`. */
export async function holdBack(router: Netns, uplink: string, bytes: number): Promise<void> {
  const rule = `iifname "${uplink}" udp dport 4774 udp length ${bytes + UDP_BYTES} drop`;
  const chain = `chain forward {\n type filter hook forward priority filter\n ${rule}\n }`;
  await run(router, "nft", [`table ip held {\n ${chain}\n }`]);
}

export async function release(router: Netns): Promise<void> {
  await run(router, "nft", ["delete table ip held"]);
}

const UDP_BYTES = 8;

async function run(router: Netns, program: string, words: readonly string[]): Promise<void> {
  const { file, args } = router.inside(program, words);
  await command(file, args);
}
