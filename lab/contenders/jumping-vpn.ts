import { join } from "node:path";
import { CLIENT_INNER_V4, makeKeys, type Node, startClient, startGateway } from "../nodes.ts";
import { until } from "../stage.ts";
import { type Contender, MTU, type Started } from "./contender.ts";

/** One way to run this product. */
interface Variant {
  readonly name: string;
  /** Names of `[engine] disable`, at both ends. */
  readonly disable?: readonly string[];
  /** Threads of the gateway that move packets. */
  readonly workers?: number;
  /** Another build of the engine, made when it is first needed. */
  readonly engine?: () => string;
  readonly family?: "ipv4" | "ipv6";
  /** Jumps to the other link once in this time, ms, while traffic flows. */
  readonly jumpEveryMs?: number;
}

const GATEWAY_INNER = "10.80.0.1";

/** Preset `bench` permits a jump each second; nothing else of it matters for speed. */
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
        // Without jumps one link is enough, and a standby's probes would be traffic of its own.
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

/** Jumps back and forth until it is ended. A jump that is refused is no jump: the run fails. */
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
