import type { CoreEvent } from "#kernel/contract/event";

/** Longer text in a record is cut, so that a stranger who chooses the text does not choose the size of our record. */
const TEXT_MAX = 256;

const PRIVATE_KEY = /jvps1:[A-Za-z0-9_-]*/g;
/** A public key is shortened to its first characters, which are enough to recognise it. */
const PUBLIC_KEY = /(jvpk1:[A-Za-z0-9_-]{8})[A-Za-z0-9_-]{4,}/g;
/** 32 bytes in hex or base64 have at least 43 characters in one run. None of our own words is that long. */
const SECRET_LIKE = /[A-Za-z0-9_-]{43,}|[A-Za-z0-9+/]{43}=/g;

/** Shorter text cannot match `SECRET_LIKE`. */
const SECRET_MIN = 43;

/** Members of an event that are numbers or words of closed lists, which need no redaction. */
type Closed = "type" | "bootMs" | "version" | "from" | "to" | "reason";
type LookedAt = "session" | "policy" | "actor" | "transport" | "numbers";
type Nothing<T extends never> = T;
/** Does not compile if a member of `CoreEvent` is in neither list; the error names the member. */
export type NoTextIsOverlooked = Nothing<Exclude<keyof CoreEvent, Closed | LookedAt>>;

/** The event with its free text redacted; the same object if there is nothing to redact, as in most cases. */
export function redactedEvent(event: CoreEvent): CoreEvent {
  const { session, transport, numbers, policy, actor } = event;
  const plain = isPlain(session) && isPlain(policy) && isPlain(actor) && arePlain(transport) && arePlain(numbers);
  return plain ? event : redact(event);
}

function arePlain(members: Readonly<Record<string, unknown>> | undefined): boolean {
  for (const name in members) {
    if (!isPlain(members[name])) return false;
  }
  return true;
}

/** True if a cheap check shows that there is nothing to redact. */
function isPlain(value: unknown): boolean {
  return typeof value !== "string" || (value.length < SECRET_MIN && !value.includes("jvp"));
}

/** Text without key material, cut to `TEXT_MAX`. */
export function redactedText(text: string): string {
  if (isPlain(text)) return text;
  const safe = text.replace(PRIVATE_KEY, "[redacted]").replace(PUBLIC_KEY, "$1…").replace(SECRET_LIKE, "[redacted]");
  return safe.length > TEXT_MAX ? `${safe.slice(0, TEXT_MAX - 1)}…` : safe;
}

/** The value with every string redacted, at any depth. */
function redact<T>(value: T): T {
  return walk(value) as T;
}

/** Returns the same object if it contains nothing to redact. */
function walk(value: unknown): unknown {
  if (typeof value === "string") return redactedText(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map(walk);
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  const members = value as Readonly<Record<string, unknown>>;
  let safe: Record<string, unknown> | null = null;
  for (const key of Object.keys(members)) {
    const inner = members[key];
    const walked = isDigest(key, inner) ? inner : walk(inner);
    if (walked === inner) continue;
    safe ??= { ...members };
    safe[key] = walked;
  }
  return safe ?? value;
}

/** A value named `digest` is public, and a shortened digest would identify nothing. */
function isDigest(key: string, value: unknown): boolean {
  return key === "digest" && typeof value === "string" && /^[0-9a-f]{1,128}$/.test(value);
}
