/** The router of a topology with `nat`: nftables and connection tracking. */
import { command, type Netns } from "./ip.ts";
import { ROUTER_PORT } from "./topology.ts";

/** Translates what leaves towards the gateway to the router's address and a port of this range; replaces an earlier rule. */
export async function masquerade(router: Netns, ports: `${number}-${number}`): Promise<void> {
  const rules = `table ip nat
delete table ip nat
table ip nat {
  chain postrouting {
    type nat hook postrouting priority srcnat;
    oifname "${ROUTER_PORT}" udp dport 4774 masquerade to :${ports}
  }
}`;
  const { file, args } = router.inside("nft", [rules]);
  await command(file, args);
}

/** Gives every flow a new port: another range first, because forgetting alone brings the same port back. */
export async function rebind(router: Netns, ports: `${number}-${number}`): Promise<void> {
  await masquerade(router, ports);
  const { file, args } = router.inside("conntrack", ["-F"]);
  await command(file, args);
}
