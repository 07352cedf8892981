/**
 * The one text of a record that its hash is made of: JSON with keys in code-unit order at every depth, no spaces, absent and
 * `undefined` alike. Two equal records have equal text, however they were put together.
 */
export function canonical(record: unknown): string {
  return inOrder(record) ? JSON.stringify(record ?? null) : sorted(record);
}

/** The same object, or a copy, with its own keys in order. */
export function withKeysInOrder<T extends object>(members: T): T {
  if (keysInOrder(members)) return members;
  const ordered: Record<string, unknown> = {};
  for (const key of Object.keys(members).sort()) ordered[key] = (members as Readonly<Record<string, unknown>>)[key];
  return ordered as T;
}

/** True where the runtime's own JSON is the canonical text already, as it is for every record that `envelope` made. */
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
