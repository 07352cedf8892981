/** The subjects of a comparison. Each keeps an inner flow alive over two links, set up as its manual says. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Ground } from "../contenders/contender.ts";
import { OPENVPN } from "../contenders/openvpn.ts";
import { WIREGUARD_GO } from "../contenders/wireguard-go.ts";
import { makeKeys, startClient, startGateway } from "../nodes.ts";
import type { Scope } from "../scope.ts";
import { until } from "../stage.ts";
import { GATEWAY_V4, type Topology } from "../topology.ts";

export type Over = "udp" | "tcp" | "mptcp";

/** A running subject, on its preferred link eth0. */
export interface Subject {
  readonly name: string;
  /** The gateway's address for traffic through this subject. */
  readonly address: string;
  readonly flows: readonly Over[];
  /** Moves to the other link, as an operator would. `null` = it follows the default route, which the trial moves. */
  readonly moveTo: ((link: string) => Promise<void>) | null;
}

interface Candidate {
  readonly name: string;
  readonly missing: () => string | null;
  readonly start: (scope: Scope, ground: Ground, topology: Topology) => Promise<Subject>;
}

const POLICY = `schema = "jumping-vpn/policy/v1"\nname = "compare"\npreset = "bench"\n[volatile]\nliveness = "realtime"\n`;

const JUMPING_VPN: Candidate = {
  name: "jumping-vpn",
  missing: () => null,
  async start(scope, { client, gateway, folder }, { uplinks }) {
    const plan = { folder: join(folder, "jumping-vpn"), keys: await makeKeys(folder), policy: POLICY };
    await startGateway(scope, gateway, plan);
    const { sdk } = await startClient(scope, client, plan);
    const session = async (): Promise<{ id: string; active: string; usable: number } | undefined> => {
      const found = (await sdk.status()).view.sessions.find(({ state }) => state === "ATTACHED");
      if (found === undefined) return undefined;
      const usable = found.paths.filter(({ role }) => role === "active" || role === "warm");
      const active = usable.find(({ role }) => role === "active")?.label ?? "";
      return { id: found.id, active, usable: usable.length };
    };
    const moveTo = async (link: string): Promise<void> => {
      const label = `${link}/udp4`;
      await until(`jumping-vpn is on ${link}`, 20_000, async () => {
        const now = await session();
        if (now === undefined || now.usable < uplinks.length) return undefined;
        if (now.active !== label) await sdk.switch(now.id, label).catch(() => undefined);
        return now.active === label ? true : undefined;
      });
    };
    await moveTo("eth0");
    return { name: "jumping-vpn", address: "10.80.0.1", flows: ["udp", "tcp"], moveTo };
  },
};

/** A tunnel that uses the default route. Its server answers to the source address of the last packet. */
function roaming(contender: typeof WIREGUARD_GO): Candidate {
  return {
    name: contender.name,
    missing: contender.missing,
    async start(scope, ground) {
      const started = await contender.start(scope, ground);
      const address = typeof started === "string" ? started : started.address;
      return { name: contender.name, address, flows: ["udp", "tcp"], moveTo: null };
    },
  };
}

const ETH0 = { address: "10.1.0.2", id: 1 } as const;
const WLAN0 = { address: "10.2.0.2", id: 2 } as const;

/** No tunnel, but one Multipath TCP connection with a second subflow as backup. */
const MPTCP: Candidate = {
  name: "mptcp",
  missing() {
    const enabled = (): boolean => readFileSync("/proc/sys/net/mptcp/enabled", "utf8").trim() === "1";
    try {
      if (!enabled()) return "Multipath TCP is off (sysctl net.mptcp.enabled=1)";
    } catch {
      return "the kernel has no Multipath TCP";
    }
    return spawnSync("ip", ["mptcp", "limits"], { stdio: "ignore" }).status === 0
      ? null
      : "this version of ip does not support mptcp";
  },
  async start(_scope, { client, gateway }) {
    for (const netns of [client, gateway]) await netns.ip("mptcp limits set subflows 2 add_addr_accepted 2");
    // The rule is only for TCP, because the tunnels' UDP must follow the default route.
    await client.ip(`rule add from ${WLAN0.address} ipproto tcp lookup 102`);
    await client.ip("route add default via 10.2.0.1 dev wlan0 table 102");
    await client.ip(`mptcp endpoint add ${ETH0.address} id ${ETH0.id} dev eth0 subflow`);
    await client.ip(`mptcp endpoint add ${WLAN0.address} id ${WLAN0.id} dev wlan0 subflow backup`);
    const moveTo = async (link: string): Promise<void> => {
      const [preferred, other] = link === "eth0" ? [ETH0, WLAN0] : [WLAN0, ETH0];
      await client.ip(`mptcp endpoint change id ${preferred.id} nobackup`);
      await client.ip(`mptcp endpoint change id ${other.id} backup`);
    };
    return { name: "mptcp", address: GATEWAY_V4, flows: ["mptcp"], moveTo };
  },
};

export const CANDIDATES: readonly Candidate[] = [JUMPING_VPN, roaming(WIREGUARD_GO), roaming(OPENVPN), MPTCP];
