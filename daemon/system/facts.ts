import { readdirSync } from "node:fs";
import { localNetworks } from "#daemon/net/local-networks";
import type { Machine } from "./machine.ts";
import type { MachineFacts } from "./plan.ts";

/**
 * The facts about this machine that plans need, without `tun`. Read them anew for each plan, because links appear and
 * disappear.
 */
export function machineFacts(machine: Machine, tun: string): MachineFacts {
  const value = (key: string) => machine.readSysctl(key);
  const others = (family: "ipv4" | "ipv6") => interfacesOf(family).filter((name) => name !== tun && name !== "lo");
  const strictAll = value("net.ipv4.conf.all.rp_filter");
  return {
    networks: localNetworks(tun),
    ipv6: value("net.ipv6.conf.all.disable_ipv6") === "0" && (value(`net.ipv6.conf.${tun}.disable_ipv6`) ?? "0") === "0",
    routerAdvertised: others("ipv6").filter((name) => value(`net.ipv6.conf.${name}.accept_ra`) === "1"),
    // The kernel uses the larger of both values.
    reversePathStrict:
      strictAll === "2"
        ? []
        : others("ipv4").filter(
            (name) =>
              (strictAll === "1" && value(`net.ipv4.conf.${name}.rp_filter`) === "0") ||
              value(`net.ipv4.conf.${name}.rp_filter`) === "1",
          ),
  };
}

/** All interfaces, except names with a dot (VLANs), because a dot separates the levels of a sysctl key. */
function interfacesOf(family: "ipv4" | "ipv6"): string[] {
  try {
    return readdirSync(`/proc/sys/net/${family}/conf`).filter(
      (name) => name !== "all" && name !== "default" && !name.includes("."),
    );
  } catch {
    return []; // the kernel does not support this family
  }
}
