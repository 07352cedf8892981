/**
 * The canonical text of a record, from which its hash is computed: JSON with keys in code-unit order at every depth and
 * without spaces. Absent and `undefined` are the same. Equal records have equal text, whatever the order of their
 * members.
 */
export function canonical(record: unknown): string {
  return inOrder(record) ? JSON.stringify(record ?? null) : sorted(record);
}

/** The object, or a copy, with its own keys in order. */
export function withKeysInOrder<T extends object>(members: T): T {
  if (keysInOrder(members)) return members;
  const ordered: Record<string, unknown> = {};
  for (const key of Object.keys(members).sort()) ordered[key] = (members as Readonly<Record<string, unknown>>)[key];
  return ordered as T;
}

/** True if `JSON.stringify` already gives the canonical text, as for every record of `envelope`. */
function inOrder(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (Array.isArray(value)) return value.every(inOrder);
  return keysInOrder(value) && Object.values(value).every(inOrder);
}

function keysInOrder(members: object): boolean {
  let before = "";
  for (const key of Object.keys(members)) {
    if (before > key) return false;
    before = key;
  }
  return true;
}

function sorted(record: unknown): string {
  if (Array.isArray(record)) return `[${record.map(canonical).join(",")}]`;
  if (typeof record !== "object" || record === null) return JSON.stringify(record ?? null);
  const members = record as Readonly<Record<string, unknown>>;
  const named = Object.keys(members)
    .sort()
    .filter((key) => members[key] !== undefined)
    .map((key) => `${JSON.stringify(key)}:${canonical(members[key])}`);
  return `{${named.join(",")}}`;
}
