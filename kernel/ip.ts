export type Family = 4 | 6;

/** A parsed address as one number. */
export interface Address {
  readonly family: Family;
  readonly value: bigint;
}

/** The width of an address, bits. */
export const bitsOf = (family: Family): number => (family === 4 ? 32 : 128);

/**
 * Returns `undefined` if the text is not an IPv4 or IPv6 address. It refuses a zone (`%eth0`), and in IPv4 a leading
 * zero, which some programs read as octal.
 */
export function parseAddress(text: string): Address | undefined {
  return text.includes(":") ? parse6(text) : parse4(text);
}

/** The family of a textual address, or `null` if the text is not an address. */
export function familyOf(text: string): Family | null {
  return parseAddress(text)?.family ?? null;
}

/** `203.0.113.7:4774` or `[2001:db8::7]:4774`. */
export function endpoint(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** True if the first `length` bits of both addresses are equal. */
export function sameNetwork(a: Address, b: Address, length: number): boolean {
  if (a.family !== b.family) return false;
  const hostBits = BigInt(bitsOf(a.family) - length);
  return a.value >> hostBits === b.value >> hostBits;
}

/** True if `prefix` (`10.0.0.0/8`, `::/0`) contains the address. False for anything that does not parse. */
export function covers(prefix: string, address: string): boolean {
  const [network, length, ...more] = prefix.split("/");
  const from = parseAddress(network ?? "");
  const to = parseAddress(address);
  if (from === undefined || to === undefined || more.length > 0) return false;
  if (length !== undefined && !/^\d{1,3}$/.test(length)) return false;
  const kept = length === undefined ? bitsOf(from.family) : Number(length);
  if (kept > bitsOf(from.family)) return false;
  return sameNetwork(from, to, kept);
}

function parse4(text: string): Address | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let value = 0n;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = value * 256n + BigInt(part);
  }
  return { family: 4, value };
}

function parse6(text: string): Address | undefined {
  const plain = withoutDots(text);
  const halves = plain?.split("::") ?? [];
  if (halves.length < 1 || halves.length > 2) return undefined;
  const head = groups(halves[0] ?? "");
  const tail = halves.length === 2 ? groups(halves[1] ?? "") : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const all = [...head, ...Array.from({ length: missing }, () => 0n), ...tail];
  return { family: 6, value: all.reduce((value, group) => value * 65_536n + group, 0n) };
}

/** `::ffff:10.0.0.1` → `::ffff:a00:1`: the last 32 bits may be written as IPv4. */
function withoutDots(text: string): string | undefined {
  if (!text.includes(".")) return text;
  const from = text.lastIndexOf(":") + 1;
  const last = parse4(text.slice(from));
  if (last === undefined) return undefined;
  return `${text.slice(0, from)}${(last.value >> 16n).toString(16)}:${(last.value & 0xffffn).toString(16)}`;
}

function groups(text: string): bigint[] | undefined {
  if (text === "") return [];
  const parts = text.split(":");
  return parts.every((part) => /^[0-9a-fA-F]{1,4}$/.test(part)) ? parts.map((part) => BigInt(`0x${part}`)) : undefined;
}
