/**
 * Finds the modules of a Rust crate and their imports. A crate is a map from path (`src/wire/mod.rs`) to text. The
 * search follows `mod` declarations from `src/lib.rs`, `src/main.rs` and `src/bin/*.rs`. A file that only tests include
 * is therefore not found.
 */
import { posix } from "node:path";
import { behindBracket, tokensOf } from "./tokens.ts";

interface Module {
  readonly file: string;
  readonly parent: Module | null;
  readonly children: Map<string, Module>;
  readonly uses: Use[];
  /** Paths in the code with at least two segments. */
  readonly paths: (readonly string[])[];
}

/** One leaf of a `use` declaration. `name` is its local name, or `*` for a glob. */
interface Use {
  readonly path: readonly string[];
  readonly name: string;
}

/** For each module file of the crate, the files that it imports. */
export type Imports = ReadonlyMap<string, ReadonlySet<string>>;

export function importsOf(crate: ReadonlyMap<string, string>): Imports {
  const imports = new Map<string, Set<string>>();
  for (const file of crate.keys()) {
    if (!/^src\/(?:lib|main|bin\/[^/]+)\.rs$/.test(file)) continue;
    const root = fileModule(crate, file, null, posix.dirname(file));
    for (const module of everyModule(root)) {
      const into = imports.get(module.file) ?? new Set();
      imports.set(module.file, into);
      for (const path of [...module.uses.map((use) => use.path), ...module.paths]) {
        const target = moduleNamed(module, path);
        if (target !== null && target.file !== module.file) into.add(target.file);
      }
    }
  }
  return imports;
}

function* everyModule(module: Module): Generator<Module> {
  yield module;
  for (const child of module.children.values()) yield* everyModule(child);
}

/** `folder` contains the files of the module's children. */
function fileModule(crate: ReadonlyMap<string, string>, file: string, parent: Module | null, folder: string): Module {
  const module: Module = { file, parent, children: new Map(), uses: [], paths: [] };
  read(crate, module, tokensOf(crate.get(file) ?? ""), folder);
  return module;
}

function read(crate: ReadonlyMap<string, string>, module: Module, tokens: readonly string[], folder: string): void {
  for (let at = 0; at < tokens.length; ) {
    const token = tokens[at] ?? "";
    const next = tokens[at + 1] ?? "";
    if (token === "pub" && next === "(") {
      at = behindBracket(tokens, at + 1);
    } else if (token === "mod" && tokens[at + 2] === "{") {
      const end = behindBracket(tokens, at + 2);
      const child: Module = { file: module.file, parent: module, children: new Map(), uses: [], paths: [] };
      module.children.set(next, child);
      read(crate, child, tokens.slice(at + 3, end - 1), posix.join(folder, next));
      at = end;
    } else if (token === "mod" && tokens[at + 2] === ";") {
      const file = childFile(crate, module, next, folder, pathAttribute(tokens, at));
      const below = file.endsWith("/mod.rs") ? posix.dirname(file) : file.slice(0, -".rs".length);
      if (crate.has(file)) module.children.set(next, fileModule(crate, file, module, below));
      at += 3;
    } else if (token === "use" && next !== "<") {
      const end = tokens.indexOf(";", at);
      module.uses.push(...usesOf(tokens.slice(at + 1, end)));
      at = end + 1;
    } else if (next === "::" && isName(token)) {
      const path = [token];
      for (at++; tokens[at] === "::" && isName(tokens[at + 1] ?? ""); at += 2) path.push(tokens[at + 1] ?? "");
      if (path.length > 1) module.paths.push(path);
    } else {
      at += token === "::" && isName(next) ? skipGlobal(tokens, at) : 1;
    }
  }
}

/** Length of a path that begins with `::`. It belongs to another crate. */
function skipGlobal(tokens: readonly string[], at: number): number {
  let length = 0;
  while (tokens[at + length] === "::" && isName(tokens[at + length + 1] ?? "")) length += 2;
  return length;
}

function childFile(
  crate: ReadonlyMap<string, string>,
  module: Module,
  name: string,
  folder: string,
  given: string | null,
): string {
  if (given !== null) return posix.join(posix.dirname(module.file), given);
  const flat = posix.join(folder, `${name}.rs`);
  return crate.has(flat) ? flat : posix.join(folder, name, "mod.rs");
}

/** The text of `#[path = "…"]` among the attributes before the `mod` at `at`. */
function pathAttribute(tokens: readonly string[], at: number): string | null {
  const before = tokens.slice(Math.max(0, at - ATTRIBUTES_MAX), at);
  const path = before.lastIndexOf("path");
  const last = Math.max(before.lastIndexOf(";"), before.lastIndexOf("}"));
  return path > last && before[path - 1] === "[" ? (before[path + 2] ?? "").slice(1, -1) : null;
}

/** Number of tokens before a `mod` in which its attributes are searched. */
const ATTRIBUTES_MAX = 40;

/** The leaves of one `use` tree; `tree` excludes `use` and the semicolon. */
function usesOf(tree: readonly string[], prefix: readonly string[] = []): Use[] {
  if (tree[0] === "::") return [];
  const path = [...prefix];
  let at = 0;
  while (at < tree.length) {
    const token = tree[at] ?? "";
    if (token === "{") return branches(tree.slice(at + 1, behindBracket(tree, at) - 1)).flatMap((each) => usesOf(each, path));
    if (token === "*") return [{ path, name: "*" }];
    if (token === "as") return [{ path, name: tree[at + 1] ?? "_" }];
    if (token !== "::" && !(token === "self" && path.length > 0)) path.push(token);
    at++;
  }
  return path.length === 0 ? [] : [{ path, name: path.at(-1) ?? "" }];
}

function branches(group: readonly string[]): (readonly string[])[] {
  const parts: string[][] = [[]];
  let depth = 0;
  for (const token of group) {
    depth += token === "{" ? 1 : token === "}" ? -1 : 0;
    if (token === "," && depth === 0) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts.filter((part) => part.length > 0);
}

function isName(token: string): boolean {
  return /^[A-Za-z_]\w*$/.test(token);
}

/** The deepest module that a path names; `null` if its first segment is not in this crate. */
function moduleNamed(from: Module, path: readonly string[], asked: ReadonlySet<Use> = new Set()): Module | null {
  const [first = "", ...rest] = path;
  let module = firstModule(from, first, asked);
  if (module === null) return null;
  for (const segment of rest) {
    const inner: Module | null = segment === "super" ? module.parent : moduleIn(module, segment, asked);
    if (inner === null) break;
    module = inner;
  }
  return module;
}

function firstModule(from: Module, name: string, asked: ReadonlySet<Use>): Module | null {
  if (name === "self") return from;
  if (name === "super") return from.parent;
  if (name !== "crate") return moduleIn(from, name, asked);
  let root = from;
  while (root.parent !== null) root = root.parent;
  return root;
}

/**
 * The module that a name means inside another module: a child, or a module imported by name or by a glob.
 * `asked` = declarations that were already followed, because two globs may import each other.
 */
function moduleIn(module: Module, name: string, asked: ReadonlySet<Use>): Module | null {
  const child = module.children.get(name);
  if (child !== undefined) return child;
  for (const use of module.uses) {
    if (asked.has(use) || (use.name !== name && use.name !== "*")) continue;
    const target = exactly(module, use.path, new Set([...asked, use]));
    const found = target === null || use.name === name ? target : moduleIn(target, name, new Set([...asked, use]));
    if (found !== null) return found;
  }
  return null;
}

/** The module that a whole path names; `null` if its last segment is an item. */
function exactly(from: Module, path: readonly string[], asked: ReadonlySet<Use>): Module | null {
  const [first = "", ...rest] = path;
  return rest.reduce<Module | null>(
    (module, segment) => (module === null || segment === "super" ? (module?.parent ?? null) : moduleIn(module, segment, asked)),
    firstModule(from, first, asked),
  );
}
