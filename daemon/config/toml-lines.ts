export type KeyPath = readonly (string | number)[];

interface Place {
  readonly path: KeyPath;
  readonly line: number;
}

const HEADER = /^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?/;
const ASSIGNMENT = /^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=/;

/**
 * The line, from 1, on which `path` is set in this TOML text, or the line of its nearest enclosing key or table; `null`
 * if not even its first part occurs. It matches lines and does not parse TOML, which is enough to point at a fault.
 */
export function lineOf(text: string, path: KeyPath): number | null {
  let best: { line: number; depth: number } | null = null;
  for (const place of placesOf(text)) {
    const depth = sharedDepth(place.path, path);
    const encloses = depth > 0 && (depth === place.path.length || depth === path.length);
    if (encloses && (best === null || depth > best.depth)) best = { line: place.line, depth };
  }
  return best?.line ?? null;
}

/** The line on which exactly this key or table is set; `null` if it is missing or inside an inline table. */
export function lineOfKey(text: string, path: KeyPath): number | null {
  const place = placesOf(text).find(
    (candidate) => candidate.path.length === path.length && sharedDepth(candidate.path, path) === path.length,
  );
  return place?.line ?? null;
}

function placesOf(text: string): Place[] {
  const places: Place[] = [];
  const counts = new Map<string, number>();
  let table: KeyPath = [];
  for (const [index, line] of text.split("\n").entries()) {
    const header = HEADER.exec(line);
    if (header !== null) {
      table = tablePath(header[1] === "[[", splitKey(header[2] ?? ""), counts);
      places.push({ path: table, line: index + 1 });
      continue;
    }
    const assignment = ASSIGNMENT.exec(line);
    if (assignment !== null) places.push({ path: [...table, ...splitKey(assignment[1] ?? "")], line: index + 1 });
  }
  return places;
}

/** The third `[[client]]` is `client, 2`; a `[client.x]` under it belongs to the third one. */
function tablePath(isArray: boolean, parts: readonly string[], counts: Map<string, number>): KeyPath {
  const path: (string | number)[] = [];
  for (const [index, part] of parts.entries()) {
    path.push(part);
    const name = parts.slice(0, index + 1).join(".");
    const seen = counts.get(name);
    const isNew = isArray && index === parts.length - 1;
    if (isNew) counts.set(name, (seen ?? -1) + 1);
    const position = counts.get(name);
    if (position !== undefined) path.push(position);
  }
  return path;
}

function splitKey(key: string): string[] {
  return (key.match(/"[^"]*"|'[^']*'|[^.\s]+/g) ?? []).map((part) => part.replace(/^["']|["']$/g, ""));
}

function sharedDepth(a: KeyPath, b: KeyPath): number {
  let depth = 0;
  while (depth < a.length && depth < b.length && a[depth] === b[depth]) depth++;
  return depth;
}
