import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { dotted, faultAt, type Outcome, readToml, type TomlDocument } from "#daemon/config/document";
import type { Settings } from "#daemon/config/load";
import type { KeyPath } from "#daemon/config/toml-lines";
import type { Fault } from "#daemon/fault";
import type { PolicySet } from "#domains/policy/model";
import { POLICY_SCHEMA, parsePolicy } from "#domains/policy/parse";

/** The policy where no file says otherwise. */
const BUILT_IN: TomlDocument = {
  file: "(built in)",
  text: "",
  value: { schema: POLICY_SCHEMA, name: "standard", preset: "standard" },
};

/**
 * Where the policy of this daemon is written: the flag, the configuration, or `policy.toml` beside the configuration where that
 * exists; `null` = the built-in standard policy.
 */
export function policyFile(configFile: string, settings: Settings, flag: string | undefined): string | null {
  if (flag !== undefined) return resolve(flag);
  if (settings.daemon.policy !== null) return resolve(dirname(configFile), settings.daemon.policy);
  const beside = join(dirname(configFile), "policy.toml");
  return existsSync(beside) ? beside : null;
}

/** Reads and checks a policy. `versionOf` numbers a digest; it is asked only for a policy that is valid. */
export function loadPolicy(file: string | null, versionOf: (digest: string) => number): Outcome<PolicySet> {
  const read = file === null ? ({ ok: true, value: BUILT_IN } as const) : readToml(file);
  if (!read.ok) return read;
  const digest = createHash("blake2s256").update(JSON.stringify(read.value.value)).digest("hex");
  const tried = parsePolicy(read.value.value, 1, digest);
  if (!tried.ok) return { ok: false, faults: tried.errors.map((error) => policyFault(read.value, error)) };
  const numbered = parsePolicy(read.value.value, versionOf(digest), digest);
  return numbered.ok
    ? { ok: true, value: numbered.policy }
    : { ok: false, faults: numbered.errors.map((error) => policyFault(read.value, error)) };
}

function policyFault(document: TomlDocument, error: { readonly path: readonly string[]; readonly message: string }): Fault {
  const path: KeyPath = error.path.map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  const name = path.length === 0 ? "the policy" : dotted(path);
  return faultAt(
    document,
    path,
    `${name} ${error.message}`,
    "a policy is checked by schema, bounds and relations",
    `correct ${name}; the last valid policy stays in force`,
  );
}

/** One line per fault, for the record and for people who ask for the status. */
export function faultLine(fault: Fault): string {
  const place = fault.file === undefined ? "" : `${fault.file}${fault.line ? `:${fault.line}` : ""}: `;
  return `${place}${fault.what}`;
}
