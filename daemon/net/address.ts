import { isIP } from "node:net";

export type Family = 4 | 6;

export interface Address {
  readonly family: Family;
  readonly value: bigint;
}

export interface Prefix extends Address {
  readonly length: number;
}

export const bitsOf = (family: Family): number => (family === 4 ? 32 : 128);

/** `undefined` where the text is no IPv4 or IPv6 address; a zone (`%eth0`) is refused. */
export function parseAddress(text: string): Address | undefined {
  if (text.includes("%")) return undefined;
  const family = isIP(text);
  if (family === 4) return { family: 4, value: valueOf4(text) };
  if (family === 6) return { family: 6, value: valueOf6(text) };
  return undefined;
}

/** `10.80.0.0/16`; the text must name the network itself (no host bits), else `undefined`. */
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
  if (prefix.family !== address.family) return false;
  const hostBits = BigInt(bitsOf(prefix.family) - prefix.length);
  return prefix.value >> hostBits === address.value >> hostBits;
}

export function formatAddress(address: Address): string {
  return address.family === 4 ? format4(address.value) : format6(address.value);
}

export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix)}/${prefix.length}`;
}

/** Splits `host:port`, `[v6]:port`, `host`, `v6`. `undefined` where the port is no number of 1 … 65535. */
export function parseEndpoint(text: string, defaultPort: number): { host: string; port: number } | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text);
  if (match === null) return parseAddress(text)?.family === 6 ? { host: text, port: defaultPort } : undefined;
  const [, bracketed, plain, portText] = match;
  const port = portText === undefined ? defaultPort : Number(portText);
  if (port < 1 || port > 65_535) return undefined;
  if (bracketed !== undefined && parseAddress(bracketed)?.family !== 6) return undefined;
  return { host: bracketed ?? plain ?? "", port };
}

export function formatEndpoint(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function valueOf4(text: string): bigint {
  return text.split(".").reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function valueOf6(text: string): bigint {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const plain = dotted === null ? text : `${dotted[1]}${hexGroups(valueOf4(dotted[2] ?? ""))}`;
  const [head = "", tail] = plain.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  const groups = [...before, ...Array<string>(zeros).fill("0"), ...after];
  return groups.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}

const hexGroups = (v4: bigint): string => `${(v4 >> 16n).toString(16)}:${(v4 & 0xffffn).toString(16)}`;

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
