import { join } from "node:path";
import { CLIENT_INNER_V4, makeKeys, startClient, startGateway } from "../nodes.ts";
import { until } from "../stage.ts";
import type { Contender } from "./contender.ts";

const POLICY = `schema = "jumping-vpn/policy/v1"
name = "bench"
preset = "standard"
`;

export const JUMPING_VPN: Contender = {
  name: "jumping-vpn",
  missing: () => null,
  async start(scope, { client, gateway, gatewayOuter, folder }) {
    const plan = { folder: join(folder, "jumping-vpn"), keys: await makeKeys(folder), policy: POLICY };
    await startGateway(scope, gateway, plan);
    const node = await startClient(scope, client, plan, gatewayOuter);
    await until(`${CLIENT_INNER_V4} is ATTACHED`, 15_000, async () => {
      return (await node.sdk.status()).view.sessions.some(({ state }) => state === "ATTACHED") ? true : undefined;
    });
    return "10.80.0.1";
  },
};
