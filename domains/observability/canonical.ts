/**
 * The one text of a record that its hash is made of: JSON with keys in code-unit order at every depth, no spaces, absent and
 * `undefined` alike. Two equal records have equal text, however they were put together.
 */
export function canonical(record: unknown): string {
  if (Array.isArray(record)) return `[${record.map(canonical).join(",")}]`;
  if (typeof record !== "object" || record === null) return JSON.stringify(record ?? null);
  const members = Object.entries(record)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${JSON.stringify(key)}:${canonical(value)}`);
  return `{${members.join(",")}}`;
}
