/** Finds import circles among the files of a Rust crate. The compiler permits them. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { type Imports, importsOf } from "./rust/modules.ts";

interface Circle {
  /** The files of the circle, sorted, more than two: each reaches all others by imports. */
  readonly files: readonly string[];
  /** A shortest circle among them. Its first file is repeated at the end. */
  readonly example: readonly string[];
}

/** Largest number of files that may import each other. A pair may be one idea, such as a type and its parts. */
const TOGETHER_MAX = 2;

/** The crates of this repository that are checked. */
export const CRATES = ["engine/proto", "engine/io", "engine/node", "engine/crowd", "engine/fuzz", "lab/native"];

/** A crate's `src/**\/*.rs`, by path from the crate's folder. */
export function readCrate(folder: string): ReadonlyMap<string, string> {
  const files = readdirSync(join(folder, "src"), { withFileTypes: true, recursive: true });
  const paths = files
    .filter((file) => file.isFile() && file.name.endsWith(".rs"))
    .map((file) => join(file.parentPath, file.name));
  return new Map(paths.sort().map((path) => [relative(folder, path), readFileSync(path, "utf8")]));
}

/** The circles of a crate, the largest first. There must be none. */
export function circlesOf(crate: ReadonlyMap<string, string>): readonly Circle[] {
  const imports = importsOf(crate);
  return components(imports)
    .filter((files) => files.length > TOGETHER_MAX)
    .map((files) => ({ files: files.toSorted(), example: shortestCircle(imports, new Set(files)) }))
    .sort((a, b) => b.files.length - a.files.length || (a.files[0] ?? "").localeCompare(b.files[0] ?? ""));
}

/** Tarjan's strongly connected components. */
function components(imports: Imports): readonly (readonly string[])[] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const found: string[][] = [];
  const visit = (file: string): number => {
    const number = order.size;
    order.set(file, number);
    lowest.set(file, number);
    open.push(file);
    for (const next of imports.get(file) ?? []) {
      const reached = order.has(next) ? (open.includes(next) ? (order.get(next) ?? number) : number) : visit(next);
      lowest.set(file, Math.min(lowest.get(file) ?? number, reached));
    }
    const low = lowest.get(file) ?? number;
    if (low === number) found.push(open.splice(open.indexOf(file)));
    return low;
  };
  for (const file of imports.keys()) if (!order.has(file)) visit(file);
  return found;
}

/** A shortest circle of at least three files. If there are only pairs, the walk visits a shared file twice. */
function shortestCircle(imports: Imports, files: ReadonlySet<string>): readonly string[] {
  let best: readonly string[] | null = null;
  for (const from of [...files].sort()) {
    for (const to of [...(imports.get(from) ?? [])].filter((file) => files.has(file)).sort()) {
      const back = wayBack(imports, files, to, from);
      if (back !== null && (best === null || back.length + 1 < best.length)) best = [from, ...back];
    }
  }
  return best ?? thereAndBack(imports, files);
}

/** The shortest path of at least two imports from `from` to `to`, both included; `null` = none. */
function wayBack(imports: Imports, files: ReadonlySet<string>, from: string, to: string): readonly string[] | null {
  const ways: string[][] = [[from]];
  const seen = new Set([from]);
  for (const way of ways) {
    const last = way.at(-1) ?? from;
    for (const next of [...(imports.get(last) ?? [])].sort()) {
      if (next === to && way.length > 1) return [...way, to];
      if (next === to || seen.has(next) || !files.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return null;
}

function thereAndBack(imports: Imports, files: ReadonlySet<string>): readonly string[] {
  for (const middle of files) {
    const [a, b] = [...(imports.get(middle) ?? [])].filter((file) => files.has(file)).sort();
    if (a !== undefined && b !== undefined) return [a, middle, b, middle, a];
  }
  return [];
}

/** The error message for a circle: what, why, what to do. */
export function circleFault(crate: string, { files, example }: Circle): string {
  return [
    `${crate}: ${files.length} files import each other: ${files.map(short).join(", ")}`,
    `  why: ${example.map(short).join(" → ")}`,
    `  do:  move what they share into a file that imports none of them`,
  ].join("\n");
}

function short(file: string): string {
  return file.slice("src/".length);
}
