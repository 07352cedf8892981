import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { readToml } from "#daemon/config/document";
import { identityFaults, requireSettings, roleOf, settingsOf } from "#daemon/config/load";
import { loadPolicy } from "#daemon/config/policy";
import { type Fault, faultText } from "#daemon/fault";
import { formatAddress, formatPrefix, type Prefix } from "#daemon/net/address";
import { configFile, type Flags, placesOf } from "#daemon/options";
import { EXIT, type ExitCode } from "#kernel/contract/exit-code";
import type { Role } from "#kernel/contract/state";

const DIRECTORY = "/etc/jumping-vpn";

interface Checked {
  readonly file: string;
  readonly kind: Role | "policy" | null;
  readonly faults: readonly Fault[];
}

/** Checks each file as what it is, with the key files it names. Faults go to stderr, or into the one document on stdout. */
export function checkFiles(files: readonly string[], json: boolean): ExitCode {
  const standard = ["gateway.toml", "client.toml", "policy.toml"]
    .map((name) => join(DIRECTORY, name))
    .filter((file) => existsSync(file));
  const chosen = files.length > 0 ? files.map((file) => resolve(file)) : standard;
  const checked = chosen.length > 0 ? chosen.map(checkFile) : [nothingToCheck()];
  const ok = checked.every((result) => result.faults.length === 0);
  if (json) process.stdout.write(`${JSON.stringify({ schema: "jumping-vpn/config-check/v1", ok, files: checked })}\n`);
  for (const result of json ? [] : checked) {
    for (const fault of result.faults) process.stderr.write(faultText(fault));
    if (result.faults.length === 0) process.stdout.write(`${result.file}: valid (${result.kind})\n`);
  }
  return ok ? EXIT.ok : EXIT.configuration;
}

function checkFile(file: string): Checked {
  const read = readToml(file);
  if (!read.ok) return { file, kind: null, faults: read.faults };
  const schema = (read.value.value as { schema?: unknown }).schema;
  const role = roleOf(read.value);
  if (schema !== undefined || (role === null && basename(file).startsWith("policy"))) {
    const policy = loadPolicy(file);
    return { file, kind: "policy", faults: policy.ok ? [] : policy.faults };
  }
  if (role === null) {
    const [what, why] = [
      "this file says neither what it configures nor which policy it is",
      "there is no [gateway], no [client] and no `schema`",
    ];
    return {
      file,
      kind: null,
      faults: [{ file, line: null, what, why, hint: "begin with `jvpn init gateway` or `jvpn init client`" }],
    };
  }
  const settings = settingsOf(role, read.value);
  return { file, kind: role, faults: settings.ok ? identityFaults(settings.value.identity) : settings.faults };
}

function nothingToCheck(): Checked {
  const fault = {
    what: "there is nothing to check",
    why: `no file is named, and ${DIRECTORY} has none`,
    hint: "name a file, or write one with `jvpn init`",
  };
  return { file: DIRECTORY, kind: null, faults: [fault] };
}

/** The configuration with all defaults and the places that follow from the flags, as one JSON document. */
export function showSettings(role: Role, flags: Flags, placesOnly: boolean): void {
  const file = configFile(role, flags);
  const settings = requireSettings(role, file);
  const places = placesOf(file, settings, flags);
  const document = placesOnly ? places : { schema: "jumping-vpn/config/v1", file, ...places, settings };
  process.stdout.write(`${JSON.stringify(document, addressesAsText)}\n`);
}

function addressesAsText(_key: string, value: unknown): unknown {
  if (value === null || typeof value !== "object" || !("value" in value) || typeof value.value !== "bigint") return value;
  return "length" in value ? formatPrefix(value as Prefix) : formatAddress(value as Prefix);
}
