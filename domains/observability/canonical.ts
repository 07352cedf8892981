/**
 * The one text of a record that its hash is made of: JSON with keys in code-unit order at every depth, no spaces, absent and
 * `undefined` alike. Two equal records have equal text, however they were put together.
 */
export function canonical(record: unknown): string {
  if (Array.isArray(record)) return `[${record.map(canonical).join(",")}]`;
  if (typeof record === "number" && Number.isFinite(record)) return `${record}`;
  if (typeof record !== "object" || record === null) return JSON.stringify(record ?? null);
  const members = record as Readonly<Record<string, unknown>>;
  let text = "";
  for (const key of sortedKeys(members)) {
    const value = members[key];
    if (value !== undefined) text += `${text === "" ? "" : ","}${nameOf(key)}:${canonical(value)}`;
  }
  return `{${text}}`;
}

/** Small objects mostly have their keys in order already. */
function sortedKeys(members: object): readonly string[] {
  const keys = Object.keys(members);
  for (let index = 1; index < keys.length; index++) if ((keys[index - 1] ?? "") > (keys[index] ?? "")) return keys.sort();
  return keys;
}

/** Names of members are few and always the same; a record is written for each event of each session. */
const NAMES_MAX = 1_024;
const names = new Map<string, string>();

function nameOf(key: string): string {
  const known = names.get(key);
  if (known !== undefined) return known;
  const name = JSON.stringify(key);
  if (names.size < NAMES_MAX) names.set(key, name);
  return name;
}
