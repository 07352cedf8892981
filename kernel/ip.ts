/** A parsed address: `bits` wide, as one big number. */
interface Ip {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

/** The family of an address in text, or `null` where it is none. A zone (`%eth0`) is refused. */
export function familyOf(text: string): 4 | 6 | null {
  const ip = parse(text);
  if (ip === null) return null;
  return ip.bits === 32 ? 4 : 6;
}

/** `203.0.113.7:4774` or `[2001:db8::7]:4774`. */
export function endpoint(ip: string, port: number): string {
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/** True where `prefix` (`10.0.0.0/8`, `::/0`) contains the address. False for anything that does not parse. */
export function covers(prefix: string, address: string): boolean {
  const [network, length] = prefix.split("/");
  const from = parse(network ?? "");
  const to = parse(address);
  if (from === null || to === null || from.bits !== to.bits) return false;
  const kept = length === undefined ? from.bits : Number(length);
  if (!Number.isInteger(kept) || kept < 0 || kept > from.bits) return false;
  const shift = BigInt(from.bits - kept);
  return from.value >> shift === to.value >> shift;
}

function parse(text: string): Ip | null {
  return text.includes(":") ? parse6(text) : parse4(text);
}

function parse4(text: string): Ip | null {
  const parts = text.split(".");
  if (parts.length !== 4) return null;
  let value = 0n;
  for (const part of parts) {
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return null;
    value = value * 256n + BigInt(part);
  }
  return { bits: 32, value };
}

function parse6(text: string): Ip | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const head = groups(halves[0] ?? "");
  const tail = halves.length === 2 ? groups(halves[1] ?? "") : [];
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const all = [...head, ...Array.from({ length: missing }, () => 0n), ...tail];
  return { bits: 128, value: all.reduce((value, group) => value * 65_536n + group, 0n) };
}

function groups(text: string): bigint[] | null {
  if (text === "") return [];
  const found: bigint[] = [];
  for (const group of text.split(":")) {
    if (group.includes(".")) {
      const last = parse4(group);
      if (last === null) return null;
      found.push(last.value >> 16n, last.value & 0xffffn);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return null;
      found.push(BigInt(`0x${group}`));
    }
  }
  return found;
}
