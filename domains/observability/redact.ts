/** Longer text in a record is cut: whoever chooses it must not choose the size of our record. */
export const TEXT_MAX = 256;

const PRIVATE_KEY = /jvps1:[A-Za-z0-9_-]*/g;
/** A public key is shortened to what tells it apart from others at a glance. */
const PUBLIC_KEY = /(jvpk1:[A-Za-z0-9_-]{8})[A-Za-z0-9_-]{4,}/g;
/** 32 bytes in hex or base64 have at least 43 characters in one run; no word of ours is that long. */
const SECRET_LIKE = /[A-Za-z0-9_-]{43,}|[A-Za-z0-9+/]{43}=/g;

/** Text without key material, cut to `TEXT_MAX`. */
export function redactedText(text: string): string {
  const safe = text.replace(PRIVATE_KEY, "[redacted]").replace(PUBLIC_KEY, "$1…").replace(SECRET_LIKE, "[redacted]");
  return safe.length > TEXT_MAX ? `${safe.slice(0, TEXT_MAX - 1)}…` : safe;
}

/** The same value with every string in it redacted, at any depth. */
export function redact<T>(value: T): T {
  return walk(value) as T;
}

function walk(value: unknown): unknown {
  if (typeof value === "string") return redactedText(value);
  if (Array.isArray(value)) return value.map(walk);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, isDigest(key, inner) ? inner : walk(inner)]));
}

/** A digest under that name is public, and cut short it would no longer name what it is the digest of. */
function isDigest(key: string, value: unknown): boolean {
  return key === "digest" && typeof value === "string" && /^[0-9a-f]{1,128}$/.test(value);
}
