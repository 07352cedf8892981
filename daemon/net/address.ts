import { type Address, bitsOf, parseAddress, sameNetwork } from "#kernel/ip";

export interface Prefix extends Address {
  readonly length: number;
}

/** Parses `10.80.0.0/16`. `undefined` if the text is not a network or has host bits. */
export function parsePrefix(text: string): Prefix | undefined {
  const [ip, length, ...rest] = text.split("/");
  const address = parseAddress(ip ?? "");
  if (address === undefined || length === undefined || rest.length > 0 || !/^\d{1,3}$/.test(length)) return undefined;
  const prefix: Prefix = { ...address, length: Number(length) };
  if (prefix.length > bitsOf(prefix.family)) return undefined;
  return networkOf(prefix).value === prefix.value ? prefix : undefined;
}

export function networkOf(prefix: Prefix): Prefix {
  const hostBits = BigInt(bitsOf(prefix.family) - prefix.length);
  return { ...prefix, value: (prefix.value >> hostBits) << hostBits };
}

export function contains(prefix: Prefix, address: Address): boolean {
  return sameNetwork(prefix, address, prefix.length);
}

/** True if the two networks share addresses. */
export function overlaps(a: Prefix, b: Prefix): boolean {
  return a.family === b.family && (a.length <= b.length ? contains(a, b) : contains(b, a));
}

export function formatAddress(address: Address): string {
  return address.family === 4 ? format4(address.value) : format6(address.value);
}

export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix)}/${prefix.length}`;
}

/** Splits `host:port`, `[v6]:port`, `host`, `v6`. `undefined` if the port is not a number of 1 … 65535. */
export function parseEndpoint(text: string, defaultPort: number): { host: string; port: number } | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text);
  if (match === null) return parseAddress(text)?.family === 6 ? { host: text, port: defaultPort } : undefined;
  const [, bracketed, plain, portText] = match;
  const port = portText === undefined ? defaultPort : Number(portText);
  if (port < 1 || port > 65_535) return undefined;
  if (bracketed !== undefined && parseAddress(bracketed)?.family !== 6) return undefined;
  return { host: bracketed ?? plain ?? "", port };
}

function format4(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => ((value >> shift) & 0xffn).toString()).join(".");
}

/** RFC 5952: lower case, the longest run of zero groups (at least two, the first of equals) becomes `::`. */
function format6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16));
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && groups[end] === "0") end++;
    if (end - start > best.length) best = { start, length: end - start };
  }
  if (best.start < 0) return groups.join(":");
  return `${groups.slice(0, best.start).join(":")}::${groups.slice(best.start + best.length).join(":")}`;
}
