import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parse, TomlError } from "smol-toml";
import { dotted, type Outcome, type TomlDocument } from "#daemon/config/document";
import type { Settings } from "#daemon/config/load";
import { readTextFile } from "#daemon/config/text-file";
import { type KeyPath, lineOf, lineOfKey } from "#daemon/config/toml-lines";
import { causeText, type Fault } from "#daemon/fault";
import type { PolicyError, PolicySet } from "#domains/policy/model";
import { POLICY_SCHEMA, parsePolicy } from "#domains/policy/parse";
import type { PolicyText } from "#kernel/contract/policy";

/** Largest policy text. 64 overrides of every key are about 100 kB. */
export const POLICY_BYTES_MAX = 128 * 1024;

/** The policy of a daemon without a policy file. */
export const BUILT_IN: PolicyText = {
  file: "(built in)",
  text: `schema = "${POLICY_SCHEMA}"\nname = "standard"\npreset = "standard"\n`,
};

/** A policy that passed every check, as text and as values. It gets its version when it comes into force. */
export interface CheckedPolicy extends PolicyText {
  readonly name: string;
  /** BLAKE2s-256 of the values, 64 hex digits: comments and layout do not change it. */
  readonly digest: string;
  readonly values: PolicySet;
}

/**
 * The policy file of this daemon: from the flag, else from the configuration, else `policy.toml` beside the
 * configuration if it exists. `null` = the built-in standard policy.
 */
export function policyFile(configFile: string, settings: Settings, flag: string | undefined): string | null {
  if (flag !== undefined) return resolve(flag);
  if (settings.daemon.policy !== null) return resolve(dirname(configFile), settings.daemon.policy);
  const beside = policyBeside(configFile);
  return existsSync(beside) ? beside : null;
}

export function policyBeside(configFile: string): string {
  return join(dirname(configFile), "policy.toml");
}

/** The text of a policy file; `null` = the built-in one. */
export function readPolicy(file: string | null): Outcome<PolicyText> {
  if (file === null) return { ok: true, value: BUILT_IN };
  const read = readTextFile(file, POLICY_BYTES_MAX);
  if (read.ok) return { ok: true, value: { file, text: read.text } };
  const hint = read.missing ? "write it, or name another file with --policy" : read.hint;
  const { why } = read;
  return { ok: false, faults: [{ file, line: null, what: "this policy cannot be read", why, hint }] };
}

/** Checks schema, bounds and relations. Every fault names the line of the key to correct. */
export function checkPolicy({ file, text }: PolicyText): Outcome<CheckedPolicy> {
  const bytes = Buffer.byteLength(text);
  if (bytes > POLICY_BYTES_MAX) return refused(tooLarge(file, bytes));
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    const line = cause instanceof TomlError ? cause.line : null;
    const why = causeText(cause).split("\n")[0] ?? "";
    return refused({
      file,
      line,
      what: "this is not valid TOML",
      why,
      hint: "correct the line; https://toml.io shows the format",
    });
  }
  const digest = createHash("blake2s256").update(JSON.stringify(value)).digest("hex");
  const parsed = parsePolicy(value, 0, digest);
  if (!parsed.ok) return { ok: false, faults: parsed.errors.map((error) => policyFault({ file, text, value }, error)) };
  return { ok: true, value: { file, text, name: parsed.policy.base.name, digest, values: parsed.policy } };
}

/** Reads and checks a policy file. */
export function loadPolicy(file: string | null): Outcome<CheckedPolicy> {
  const read = readPolicy(file);
  return read.ok ? checkPolicy(read.value) : read;
}

/** The values of the policy with this version. */
export function numbered({ values }: CheckedPolicy, version: number): PolicySet {
  const { base, overrides } = values;
  return {
    base: { ...base, version },
    overrides: overrides.map(({ group, policy }) => ({ group, policy: { ...policy, version } })),
  };
}

function tooLarge(file: string, bytes: number): Fault {
  const why = `it has ${bytes} bytes; a policy may have at most ${POLICY_BYTES_MAX}`;
  return { file, line: null, what: "this policy is too large", why, hint: "check that this is the right file" };
}

function refused(fault: Fault): Outcome<never> {
  return { ok: false, faults: [fault] };
}

function policyFault(document: TomlDocument, error: PolicyError): Fault {
  const path = keyPath(error.path);
  const name = path.length === 0 ? "the policy" : dotted(path);
  return {
    file: document.file,
    line: lineFor(document.text, path, error.against === undefined ? null : keyPath(error.against)),
    what: `${name} ${error.message}`,
    why: "every policy must fit the schema, the bounds and the relations between its values",
    hint: `correct ${name}; the last valid policy stays in force`,
  };
}

/**
 * The line of the key itself, if the file has it. Else the line of the key that it must fit to, because the first key
 * then comes from the preset. Else the line of the enclosing table, or 1.
 */
function lineFor(text: string, path: KeyPath, against: KeyPath | null): number {
  const other = against ?? path;
  return lineOfKey(text, path) ?? lineOfKey(text, other) ?? lineOf(text, path) ?? lineOf(text, other) ?? 1;
}

function keyPath(path: readonly string[]): KeyPath {
  return path.map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

/** A fault in one line, for the record and the status. */
export function faultLine(fault: Fault): string {
  const place = fault.file === undefined ? "" : `${fault.file}${fault.line ? `:${fault.line}` : ""}: `;
  return `${place}${fault.what}`;
}
