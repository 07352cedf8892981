import type { PathDescription } from "#kernel/contract/engine.generated";

/** A readable label: `wlan0/udp4` at a client; `udp4 198.51.100.7:50211` at a gateway, where interface is `null`. */
export function pathLabel({ transport, remote, interface: ifname }: PathDescription): string {
  const carrier = `${transport}${remote.startsWith("[") ? 6 : 4}`;
  return ifname === null ? `${carrier} ${remote}` : `${ifname}/${carrier}`;
}
