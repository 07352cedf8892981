/** `udp4 198.51.100.7:50211`: how a gateway names a path of a client. */
export function pathLabel(transport: string, remote: string): string {
  return `${transport}${remote.startsWith("[") ? 6 : 4} ${remote}`;
}
