import { parse, TomlError } from "smol-toml";
import type { z } from "zod";
import { readTextFile } from "#daemon/config/text-file";
import { type KeyPath, lineOf } from "#daemon/config/toml-lines";
import { causeText, type Fault } from "#daemon/fault";
import { redactedText } from "#domains/observability/redact";
import { nearest } from "#domains/policy/nearest";

/** A configuration file as it was read. The text is kept so that a fault can name its line. */
export interface TomlDocument {
  readonly file: string;
  readonly text: string;
  readonly value: unknown;
}

export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly faults: readonly Fault[] };

/** Largest configuration file. 131,072 clients of about 100 bytes fit. */
const FILE_BYTES_MAX = 32 * 1024 * 1024;
/** Faults of one file that are reported at once. The next check reports further ones. */
export const FAULTS_MAX = 20;

export function readToml(file: string): Outcome<TomlDocument> {
  const read = readTextFile(file, FILE_BYTES_MAX);
  if (read.ok) return parseToml(file, read.text);
  const hint = read.missing ? "write it with `jvpn init`, or name another file with --config" : read.hint;
  const { why } = read;
  return { ok: false, faults: [{ file, line: null, what: "this configuration file cannot be read", why, hint }] };
}

/** Parses the text of `file`, which need not exist yet. */
export function parseToml(file: string, text: string): Outcome<TomlDocument> {
  try {
    return { ok: true, value: { file, text, value: parse(text) } };
  } catch (cause) {
    const line = cause instanceof TomlError ? cause.line : null;
    const why = causeText(cause).split("\n")[0] ?? "";
    return {
      ok: false,
      faults: [{ file, line, what: "this is not valid TOML", why, hint: "correct the line; https://toml.io shows the format" }],
    };
  }
}

/** Checks a document against its schema. Every fault has its line; at most 20 are listed, with the number of others. */
export function checkDocument<T extends z.ZodType>(document: TomlDocument, schema: T): Outcome<z.output<T>> {
  const result = schema.safeParse(document.value);
  if (result.success) return { ok: true, value: result.data };
  const confused = tableFaults(document, schema);
  if (confused.length > 0) return { ok: false, faults: confused };
  // A misspelt key often makes a required key missing, too: the misspelling is listed first.
  const rank = (issue: Issue) => (issue.code === "unrecognized_keys" ? 0 : 1);
  const issues = result.error.issues.toSorted((a, b) => rank(a) - rank(b));
  const faults = issues.slice(0, FAULTS_MAX).flatMap((issue) => faultsOf(document, schema, issue));
  return { ok: false, faults: atMost(faults, document.file, issues.length - FAULTS_MAX) };
}

/** The first faults of a file, and how many more there are; `others` = the number of those that are not in `faults`. */
export function atMost(faults: readonly Fault[], file: string, others = 0): readonly Fault[] {
  const left = Math.max(0, others) + Math.max(0, faults.length - FAULTS_MAX);
  if (left === 0) return faults;
  const more = { file, line: null, what: `${left} more faults`, why: "only the first are listed", hint: "correct those first" };
  return [...faults.slice(0, FAULTS_MAX), more];
}

/** `[client]` where a list `[[client]]` is meant, or the reverse: one fault instead of one for each key in it. */
function tableFaults(document: TomlDocument, schema: z.ZodType): Fault[] {
  const value = document.value;
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([key, found]) => {
    const wanted = unwrap((unwrap(schema) as { shape?: Record<string, unknown> } | undefined)?.shape?.[key]);
    const isTable = found !== null && typeof found === "object" && !Array.isArray(found);
    const isList = Array.isArray(found) && found.every((entry) => entry !== null && typeof entry === "object");
    const { element, shape } = (wanted ?? {}) as { element?: unknown; shape?: unknown };
    if (isTable && element !== undefined)
      return [faultAt(document, [key], `[${key}] is a list here`, "each entry has a table of its own", `write [[${key}]]`)];
    if (isList && shape !== undefined)
      return [faultAt(document, [key], `[[${key}]] is no list here`, "there is one such table", `write [${key}], once`)];
    return [];
  });
}

/** A fault with the line of a key, for checks that a schema cannot express. */
export function faultAt(document: TomlDocument, path: KeyPath, what: string, why: string, hint: string): Fault {
  return { file: document.file, line: lineOf(document.text, path), what, why, hint };
}

type Issue = z.core.$ZodIssue;

function faultsOf(document: TomlDocument, schema: z.ZodType, issue: Issue): Fault[] {
  const path = issue.path.map((part) => (typeof part === "symbol" ? String(part) : part));
  if (issue.code === "unrecognized_keys") {
    const known = keysAt(schema, path);
    return issue.keys.map((key) => unknownKey(document, path, key, known));
  }
  const name = dotted(path);
  if (issue.code === "invalid_type" && issue.input === undefined && valueAt(document.value, path) === undefined) {
    const hint = `add ${name} to the file`;
    return [faultAt(document, path, `${name} is missing`, `it is required (${expectation(issue)})`, hint)];
  }
  if (issue.code === "invalid_union" && issue.errors.length > 0 && !issue.message.startsWith("must")) {
    const deepest = issue.errors.flat().sort((a, b) => b.path.length - a.path.length)[0];
    if (deepest !== undefined) return faultsOf(document, schema, { ...deepest, path: [...issue.path, ...deepest.path] });
  }
  // A misplaced value may be a private key, and faults appear in logs and in the status.
  const found = redactedText(JSON.stringify(valueAt(document.value, path)) ?? "nothing");
  const shown = found.length > 80 ? `${found.slice(0, 77)}…` : found;
  return [faultAt(document, path, `${name} is not valid: ${shown}`, expectation(issue), `correct ${name}`)];
}

function unknownKey(document: TomlDocument, path: KeyPath, key: string, known: readonly string[]): Fault {
  const meant = nearest(key, known);
  const place = path.length === 0 ? "at the top level" : `in ${dotted(path)}`;
  const why = known.length === 0 ? `no key is known ${place}` : `known ${place}: ${known.join(", ")}`;
  const hint = meant === undefined ? "remove it" : `did you mean \`${meant}\`?`;
  return faultAt(document, [...path, key], `unknown key \`${key}\` ${place}`, why, hint);
}

function expectation(issue: Issue): string {
  if (issue.code === "invalid_type") return `a value of type ${issue.expected} is expected`;
  if (issue.code === "invalid_value") return `must be one of ${issue.values.map((value) => JSON.stringify(value)).join(", ")}`;
  return issue.message;
}

/** `client[2].key` */
export function dotted(path: KeyPath): string {
  return path.reduce<string>(
    (text, part) => (typeof part === "number" ? `${text}[${part}]` : text === "" ? part : `${text}.${part}`),
    "",
  );
}

function valueAt(value: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>(
    (at, part) => (at !== null && typeof at === "object" ? (at as Record<string | number, unknown>)[part] : undefined),
    value,
  );
}

/** The keys that the schema knows at this place. */
function keysAt(schema: unknown, path: KeyPath): readonly string[] {
  let at: unknown = schema;
  for (const part of path) {
    at = unwrap(at);
    at =
      typeof part === "number"
        ? (at as { element?: unknown }).element
        : (at as { shape?: Record<string, unknown> }).shape?.[part];
  }
  const shape = (unwrap(at) as { shape?: Record<string, unknown> } | undefined)?.shape;
  return shape === undefined ? [] : Object.keys(shape);
}

function unwrap(schema: unknown): unknown {
  let at = schema as { unwrap?: () => unknown; shape?: unknown; element?: unknown } | undefined;
  while (at !== undefined && at.shape === undefined && at.element === undefined && typeof at.unwrap === "function") {
    at = at.unwrap() as typeof at;
  }
  return at;
}
