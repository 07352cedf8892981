import { join } from "node:path";
import { CLIENT_INNER_V4, makeKeys, type Node, startClient, startGateway } from "../nodes.ts";
import { until } from "../stage.ts";
import { type Contender, MTU, type Started } from "./contender.ts";

/** One configuration of this product. */
interface Variant {
  readonly name: string;
  /** Names of `[engine] disable`, at both ends. */
  readonly disable?: readonly string[];
  /** Packet threads of the gateway. */
  readonly workers?: number;
  /** Returns the path of another build of the engine, which is built on the first call. */
  readonly engine?: () => string;
  readonly family?: "ipv4" | "ipv6";
  /** Time between two jumps to the other link while traffic flows, ms. */
  readonly jumpEveryMs?: number;
}

const GATEWAY_INNER = "10.80.0.1";

/** Preset `bench` permits a jump each second. Its other settings do not affect speed. */
const POLICY = `schema = "jumping-vpn/policy/v1"
name = "bench"
preset = "bench"
mtu = ${MTU}
`;

export function jumpingVpn({ name, disable, workers, engine, family, jumpEveryMs }: Variant): Contender {
  return {
    name,
    missing: () => null,
    ...(family === undefined ? {} : { family }),
    async start(scope, { client, gateway, gatewayOuter, folder }): Promise<Started | string> {
      const plan = {
        folder: join(folder, "jumping-vpn"),
        keys: await makeKeys(folder),
        policy: POLICY,
        mtu: MTU,
        ...(disable === undefined ? {} : { disable }),
        ...(workers === undefined ? {} : { workers }),
        ...(engine === undefined ? {} : { engine: engine() }),
        // Without jumps one link is enough. A standby would add traffic with its probes.
        ...(jumpEveryMs === undefined ? { never: ["wlan0"] } : {}),
      };
      await startGateway(scope, gateway, plan);
      const node = await startClient(scope, client, plan, gatewayOuter);
      await until(`${CLIENT_INNER_V4} is ATTACHED`, 15_000, async () => {
        return (await node.sdk.status()).view.sessions.some(({ state }) => state === "ATTACHED") ? true : undefined;
      });
      return jumpEveryMs === undefined ? GATEWAY_INNER : { address: GATEWAY_INNER, disturb: () => jumping(node, jumpEveryMs) };
    },
  };
}

export const JUMPING_VPN = jumpingVpn({ name: "jumping-vpn" });

/** Jumps back and forth until the returned function is called. A refused jump makes the run fail. */
function jumping(node: Node, everyMs: number): () => Promise<void> {
  const jump = async (): Promise<void> => {
    const session = (await node.sdk.status()).view.sessions.find(({ state }) => state === "ATTACHED");
    const warm = session?.paths.find(({ role }) => role === "warm");
    if (session === undefined || warm === undefined) throw new Error("there is no session with a standby to jump to");
    await node.sdk.switch(session.id, warm.label);
  };
  const jumps: Promise<void>[] = [];
  const timer = setInterval(() => jumps.push(jump()), everyMs);
  return async () => {
    clearInterval(timer);
    await Promise.all(jumps);
  };
}
