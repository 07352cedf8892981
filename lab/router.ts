/** The router of a topology with `nat`. It uses nftables and connection tracking. */
import { command, type Netns } from "./ip.ts";
import { ROUTER_PORT } from "./topology.ts";

/**
 * Packets to the gateway get the router's address and a port of this range as their source. An earlier rule is
 * replaced.
 */
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

/** Gives every flow a new port. The port range must change: a flow that is only forgotten gets the same port again. */
export async function rebind(router: Netns, ports: `${number}-${number}`): Promise<void> {
  await masquerade(router, ports);
  const { file, args } = router.inside("conntrack", ["-F"]);
  await command(file, args);
}
