/**
 *   client                                             gateway                    server
 *  ┌─────────────┐   link emulator: delay, loss, …   ┌──────────────────┐       ┌────────────┐
 *  │ eth0   .0.2 ├───────────── 10.1.0.0/24 ─────────┤ up0  .0.1        │       │            │
 *  │ wlan0  .0.2 ├───────────── 10.2.0.0/24 ─────────┤ up1  .0.1   lan0 ├───────┤ lan0       │
 *  │ wwan0  .0.2 ├───────────── 10.3.0.0/24 ─────────┤ up2  .0.1        │ veth  │ 10.90.0.2  │
 *  └─────────────┘                                   └──────────────────┘       └────────────┘
 *  The gateway is 10.99.0.1 and fd99::1 on every uplink. IPv6 prefixes of the uplinks: fd01::/64, fd02::/64 …
 *
 * With `nat` the uplinks end in a router that translates IPv4 addresses. The gateway is behind it:
 *
 *  ── up0, up1 … ─┤ router │ core0 .1 ──── veth, 10.98.0.0/24 ──── core0 .2 │ gateway
 *
 * Neighbour entries are permanent and duplicate-address detection is off. Otherwise ARP entries would expire during a
 * black hole on layer 2, and the kernel would add up to a second to every return.
 */
import { Netns } from "./ip.ts";
import type { Scope } from "./scope.ts";
import { Tool } from "./tool.ts";

export const GATEWAY_V4 = "10.99.0.1";
export const GATEWAY_V6 = "fd99::1";
export const SERVER_V4 = "10.90.0.2";
export const SERVER_V6 = "fd90::2";
export const INNER_POOLS = ["10.80.0.0/16", "fd80::/64"] as const;

/** The router's interface towards the gateway, and the gateway's towards the router. */
export const ROUTER_PORT = "core0";

/** Impairment of one direction or of both. An absent field leaves the link unchanged. */
interface Impairment {
  readonly delayMs?: number;
  readonly jitterMs?: number;
  /** 0…1 */
  readonly loss?: number;
  readonly rateMbit?: number;
  readonly queueMs?: number;
  /** Longer layer 3 packets are dropped silently, bytes; `null` = no limit. */
  readonly mtu?: number | null;
  readonly blackhole?: boolean;
  /** Path of a recorded trace, one line per opportunity to send; `null` = none. */
  readonly trace?: string | null;
}

/** `up` = from the client to the gateway. */
type Direction = "up" | "down" | "both";

const TOOL_DIRECTION = { up: "ab", down: "ba", both: "both" } as const;

/** The fields of the emulator's answer that are used here. */
interface Lateness {
  readonly ab: { readonly lateUs: { readonly max: number } };
  readonly ba: { readonly lateUs: { readonly max: number } };
}

/** One emulated uplink of the client. */
export class Uplink {
  readonly name: string;
  readonly #index: number;
  readonly #client: Netns;
  readonly #tool: Tool;

  private constructor(name: string, index: number, client: Netns, tool: Tool) {
    this.name = name;
    this.#index = index;
    this.#client = client;
    this.#tool = tool;
  }

  static async lay(scope: Scope, client: Netns, access: Netns, name: string, index: number): Promise<Uplink> {
    const far = `up${index}`;
    const tool = await Tool.start(scope, null, [
      "link",
      "--a",
      `${name}@${client.name}`,
      "--b",
      `${far}@${access.name}`,
      "--seed",
      `${index + 1}`,
    ]);
    const uplink = new Uplink(name, index, client, tool);
    const net = index + 1;
    await client.ip(`link set ${name} address ${mac(index, 2)}`);
    await access.ip(`link set ${far} address ${mac(index, 1)}`);
    await access.ip(`addr add 10.${net}.0.1/24 dev ${far}`);
    await access.ip(`addr add fd0${net}::1/64 dev ${far} nodad`);
    await access.ip(`link set ${far} up`);
    await access.ip(`neigh replace 10.${net}.0.2 lladdr ${mac(index, 2)} nud permanent dev ${far}`);
    await access.ip(`neigh replace fd0${net}::2 lladdr ${mac(index, 2)} nud permanent dev ${far}`);
    await client.ip(`addr add 10.${net}.0.2/24 dev ${name}`);
    await uplink.plug();
    return uplink;
  }

  /**
   * Brings the interface up and restores what a link-down deletes, as a network manager would. Returns the time at
   * which this was done, µs of the boot clock.
   */
  async plug(): Promise<number> {
    const net = this.#index + 1;
    await this.#client.ip(`link set ${this.name} up`);
    await this.#client.ip(`addr replace fd0${net}::2/64 dev ${this.name} nodad`);
    await this.#client.ip(`neigh replace 10.${net}.0.1 lladdr ${mac(this.#index, 1)} nud permanent dev ${this.name}`);
    await this.#client.ip(`neigh replace fd0${net}::1 lladdr ${mac(this.#index, 1)} nud permanent dev ${this.name}`);
    await this.#client.ip(`route replace default via 10.${net}.0.1 dev ${this.name} metric ${100 * net}`);
    await this.#client.ip(`route replace default via fd0${net}::1 dev ${this.name} metric ${100 * net}`);
    return this.now();
  }

  /** Takes the interface down; the kernel reports it. Returns the time of the command, µs of the boot clock. */
  async unplug(): Promise<number> {
    const at = await this.now();
    await this.#client.ip(`link set ${this.name} down`);
    return at;
  }

  /** The clock that all tools use: CLOCK_BOOTTIME, µs. */
  async now(): Promise<number> {
    return (await this.#tool.ask({ op: "stats" })).boot_us as number;
  }

  /** The emulator's greatest delay error since the last call, µs. It adds at most this much to a measured time. */
  async lateUs(): Promise<number> {
    const { ab, ba } = (await this.#tool.ask({ op: "stats", restart: true })) as unknown as Lateness;
    return Math.max(ab.lateUs.max, ba.lateUs.max);
  }

  /** Changes the running link without any notice. Returns the time at which it took effect, µs of the boot clock. */
  async impair(direction: Direction, impairment: Impairment): Promise<number> {
    const answer = await this.#tool.ask({ op: "set", dir: TOOL_DIRECTION[direction], ...impairment });
    return answer.boot_us as number;
  }
}

export interface Topology {
  readonly client: Netns;
  /** The namespace in which the uplinks end: the router before the gateway, or the gateway itself. */
  readonly access: Netns;
  readonly gateway: Netns;
  readonly server: Netns;
  readonly uplinks: readonly Uplink[];
}

/** Builds the topology with one uplink for each name (1…3). Each direction of an uplink delays by half of `rttMs`. */
export async function layOut(
  scope: Scope,
  prefix: string,
  names: readonly string[],
  rttMs: number,
  nat = false,
): Promise<Topology> {
  const client = await Netns.create(scope, `${prefix}client`);
  const gateway = await Netns.create(scope, `${prefix}gateway`);
  const server = await Netns.create(scope, `${prefix}server`);
  await gateway.ip(`addr add ${GATEWAY_V4}/32 dev lo`);
  await gateway.ip(`addr add ${GATEWAY_V6}/128 dev lo nodad`);
  await gateway.sysctl({ "net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1" });
  await layServer(gateway, server);
  const access = nat ? await layRouter(scope, `${prefix}router`, gateway) : gateway;
  const uplinks: Uplink[] = [];
  for (const [index, name] of names.entries()) {
    const uplink = await Uplink.lay(scope, client, access, name, index);
    await uplink.impair("both", { delayMs: rttMs / 2 });
    uplinks.push(uplink);
  }
  return { client, access, gateway, server, uplinks };
}

async function layRouter(scope: Scope, name: string, gateway: Netns): Promise<Netns> {
  const router = await Netns.create(scope, name);
  await router.sysctl({ "net.ipv4.ip_forward": "1" });
  await router.ip(`link add ${ROUTER_PORT} type veth peer name ${ROUTER_PORT} netns ${gateway.name}`);
  await router.ip(`addr add 10.98.0.1/24 dev ${ROUTER_PORT}`);
  await gateway.ip(`addr add 10.98.0.2/24 dev ${ROUTER_PORT}`);
  await router.ip(`link set ${ROUTER_PORT} up`);
  await gateway.ip(`link set ${ROUTER_PORT} up`);
  await router.ip(`route add ${GATEWAY_V4}/32 via 10.98.0.2`);
  return router;
}

async function layServer(gateway: Netns, server: Netns): Promise<void> {
  await gateway.ip(`link add lan0 type veth peer name lan0 netns ${server.name}`);
  await gateway.ip("addr add 10.90.0.1/24 dev lan0");
  await gateway.ip("addr add fd90::1/64 dev lan0 nodad");
  await gateway.ip("link set lan0 up");
  await server.ip(`addr add ${SERVER_V4}/24 dev lan0`);
  await server.ip(`addr add ${SERVER_V6}/64 dev lan0 nodad`);
  await server.ip("link set lan0 up");
  await server.ip("route add 10.80.0.0/16 via 10.90.0.1");
  await server.ip("route add fd80::/64 via fd90::1");
}

function mac(index: number, side: number): string {
  return `02:00:00:00:0${index}:0${side}`;
}
