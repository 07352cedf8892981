import type { PathDescription } from "#kernel/contract/engine.generated";

/** How people read a path: `wlan0/udp4` at a client; `udp4 198.51.100.7:50211` at a gateway, which has no interface. */
export function pathLabel({ transport, remote, interface: ifname }: PathDescription): string {
  const carrier = `${transport}${remote.startsWith("[") ? 6 : 4}`;
  return ifname === null ? `${carrier} ${remote}` : `${ifname}/${carrier}`;
}
