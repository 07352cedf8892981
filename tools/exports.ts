/**
 * Finds exports that no other file of the product imports. An import by a test does not count, because code that only
 * its test calls is dead. The syntax alone is enough, because every import of this repository names a file.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, posix, relative } from "node:path";
import ts from "typescript";

/**
 * Files whose exports need no reader: users' programs import the SDK, tests import the transcripts, and nobody edits a
 * generated file.
 */
const PUBLIC = /^sdk\/index\.ts$|^transcripts\/|\.generated\.ts$/;
const TEST = /\.test\.ts$/;

/** Exports that stay although nothing imports them, with the reason. */
export const KEPT: Readonly<Record<string, string>> = {
  "daemon/record/chain.ts#verifies": "the other half of the chain: auditors check a record with it",
  "domains/cluster/model.ts#CLAIM_WAIT_MS": "used by the store of several nodes, which is not there yet",
  "domains/cluster/table.ts#TABLE": "its test searches for a pair with two rows",
  "domains/cluster/table.ts#EveryPairHasARow": "only the compiler reads it; a local type without a use would be an error",
  "domains/observability/redact.ts#NoTextIsOverlooked": "only the compiler reads it",
  "domains/session/table.ts#EveryCaseHasARow": "only the compiler reads it",
  "domains/transport/rank.ts#compareTuples": "a test checks that it is a total order for any tuples",
  "domains/transport/windows.ts#jitterMsOver": "belongs to the loss and latency functions, which have readers",
  "tools/generate/policy.ts#MEANING": "its test compares the words with the policy's keys, both ways",
  "tools/generate/policy.ts#keyOf": "its test compares the words with the policy's keys, both ways",
};

interface Unread {
  readonly file: string;
  readonly name: string;
  /** Counted from 1. */
  readonly line: number;
  readonly onlyTests: boolean;
}

interface Source {
  readonly exports: ReadonlyMap<string, number>;
  /** The imported names of other files; `*` = all names. */
  readonly reads: readonly { readonly file: string; readonly name: string }[];
}

/** The TypeScript sources in `folders` of `root`, by path from `root`. */
export function readSources(root: string, folders: readonly string[]): ReadonlyMap<string, string> {
  const files = folders.flatMap((folder) => readdirSync(join(root, folder), { withFileTypes: true, recursive: true }));
  const paths = files
    .filter((file) => file.isFile() && file.name.endsWith(".ts"))
    .map((file) => join(file.parentPath, file.name));
  return new Map(paths.sort().map((path) => [relative(root, path), readFileSync(path, "utf8")]));
}

/** One line for each export without a reader that `kept` does not list, and for each unneeded entry of `kept`. */
export function exportFaults(files: ReadonlyMap<string, string>, kept: Readonly<Record<string, string>>): readonly string[] {
  const unread = unreadExports(files);
  const stale = Object.keys(kept).filter((name) => !unread.some((each) => key(each) === name));
  return [
    ...unread
      .filter((each) => !(key(each) in kept))
      .map(
        ({ file, name, line, onlyTests }) =>
          `${file}:${line} exports ${name}, which ${onlyTests ? "only tests import" : "nothing imports"}`,
      ),
    ...stale.map((name) => `${name} is on the list of exports without a reader, but it has a reader or does not exist`),
  ];
}

function unreadExports(files: ReadonlyMap<string, string>): readonly Unread[] {
  const sources = new Map([...files].map(([file, text]) => [file, sourceOf(file, text)]));
  const readers = (tests: boolean) =>
    new Set([...sources].filter(([file]) => TEST.test(file) === tests).flatMap(([, { reads }]) => reads.map(key)));
  const [byCode, byTests] = [readers(false), readers(true)];
  const isRead = (by: ReadonlySet<string>, file: string, name: string) =>
    by.has(key({ file, name })) || by.has(key({ file, name: "*" }));
  return [...sources].flatMap(([file, { exports }]) =>
    TEST.test(file) || PUBLIC.test(file)
      ? []
      : [...exports]
          .filter(([name]) => !isRead(byCode, file, name))
          .map(([name, line]) => ({ file, name, line, onlyTests: isRead(byTests, file, name) })),
  );
}

function key({ file, name }: { readonly file: string; readonly name: string }): string {
  return `${file}#${name}`;
}

function sourceOf(file: string, text: string): Source {
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);
  const exports = new Map<string, number>();
  const reads: { file: string; name: string }[] = [];
  const add = (name: string, node: ts.Node) =>
    exports.set(name, tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1);
  for (const statement of tree.statements) {
    for (const name of declared(statement)) add(name.text, name);
    if (ts.isExportAssignment(statement)) add("default", statement);
    if (ts.isExportDeclaration(statement)) {
      const from = statement.moduleSpecifier === undefined ? null : pathOf(file, statement.moduleSpecifier);
      const named = statement.exportClause !== undefined && ts.isNamedExports(statement.exportClause);
      for (const each of named ? (statement.exportClause as ts.NamedExports).elements : []) {
        add(each.name.text, each);
        if (from !== null) reads.push({ file: from, name: (each.propertyName ?? each.name).text });
      }
      if (from !== null && !named) reads.push({ file: from, name: "*" });
    }
    if (ts.isImportDeclaration(statement)) {
      const from = pathOf(file, statement.moduleSpecifier);
      if (from !== null) reads.push(...imported(tree, statement).map((name) => ({ file: from, name })));
    }
  }
  return { exports, reads: [...reads, ...importedInPlace(file, tree)] };
}

/** The names that an `export` declaration declares. */
function declared(statement: ts.Statement): readonly ts.Identifier[] {
  const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : [];
  if (!modifiers.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return [];
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations.flatMap(({ name }) => bound(name));
  const { name } = statement as ts.Statement & { readonly name?: ts.Identifier };
  return name === undefined ? [] : [name];
}

function bound(name: ts.BindingName): readonly ts.Identifier[] {
  if (ts.isIdentifier(name)) return [name];
  return name.elements.flatMap((each) => (ts.isBindingElement(each) ? bound(each.name) : []));
}

function imported(tree: ts.SourceFile, { importClause }: ts.ImportDeclaration): readonly string[] {
  const bindings = importClause?.namedBindings;
  const whole = importClause?.name === undefined ? [] : ["default"];
  if (bindings === undefined) return whole;
  if (ts.isNamedImports(bindings))
    return [...whole, ...bindings.elements.map(({ name, propertyName }) => (propertyName ?? name).text)];
  return membersOf(tree, bindings.name);
}

/** The members of an imported namespace that a file uses; `*` if it passes on the whole namespace. */
function membersOf(tree: ts.SourceFile, namespace: ts.Identifier): readonly string[] {
  const members: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && node.text === namespace.text && node !== namespace) {
      const { parent } = node;
      if (ts.isPropertyAccessExpression(parent)) {
        if (parent.expression === node) members.push(parent.name.text);
      } else if (ts.isQualifiedName(parent)) members.push(parent.right.text);
      else if (!ts.isPropertyAssignment(parent) || parent.initializer === node) members.push("*");
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return members;
}

/** `import("…")` as an expression or a type counts as a read of all names. */
function importedInPlace(file: string, tree: ts.SourceFile): readonly { file: string; name: string }[] {
  const reads: { file: string; name: string }[] = [];
  const visit = (node: ts.Node): void => {
    const argument =
      ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword ? node.arguments[0] : undefined;
    const specifier = ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) ? node.argument.literal : argument;
    const from = specifier === undefined ? null : pathOf(file, specifier);
    if (from !== null) reads.push({ file: from, name: "*" });
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return reads;
}

/** The file of this repository that a specifier names; `null` for a package. */
function pathOf(file: string, specifier: ts.Node): string | null {
  const text = ts.isStringLiteralLike(specifier) ? specifier.text : "";
  if (text.startsWith("#")) return `${text.slice(1)}.ts`;
  return text.startsWith(".") ? posix.join(posix.dirname(file), text) : null;
}
