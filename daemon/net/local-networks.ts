import { networkInterfaces } from "node:os";
import { networkOf, overlaps, type Prefix } from "#daemon/net/address";
import { parseAddress } from "#kernel/ip";

/** A network of this machine, with the interface that is in it. */
export interface LocalNetwork {
  readonly interface: string;
  readonly network: Prefix;
}

/** The networks of all interfaces but `tun` and the loopback. */
export function localNetworks(tun: string): readonly LocalNetwork[] {
  return Object.entries(networkInterfaces())
    .filter(([name]) => name !== tun && name !== "lo")
    .flatMap(([name, addresses = []]) =>
      addresses.flatMap(({ cidr }) => {
        const [ip = "", length = ""] = (cidr ?? "").split("/");
        const address = parseAddress(ip);
        return address === undefined ? [] : [{ interface: name, network: networkOf({ ...address, length: Number(length) }) }];
      }),
    );
}

/** The pairs of networks that share addresses. */
export function overlapsOf(
  wanted: readonly Prefix[],
  locals: readonly LocalNetwork[],
): readonly { readonly wanted: Prefix; readonly local: LocalNetwork }[] {
  return wanted.flatMap((one) => locals.filter(({ network }) => overlaps(one, network)).map((local) => ({ wanted: one, local })));
}
