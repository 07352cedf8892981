import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { parseToml, readToml } from "#daemon/config/document";
import { requireSettings, roleOf, settingsOf } from "#daemon/config/load";
import { loadPolicy } from "#daemon/config/policy";
import { machineFaults, policyWarnings } from "#daemon/config/ready";
import { type Fault, faultText, StartFailure } from "#daemon/fault";
import { formatAddress, formatPrefix, type Prefix } from "#daemon/net/address";
import { configFile, type Flags, placesOf } from "#daemon/options";
import { EXIT, type ExitCode } from "#kernel/contract/exit-code";
import type { Role } from "#kernel/contract/state";

const DIRECTORY = "/etc/jumping-vpn";

interface Checked {
  readonly file: string;
  readonly kind: Role | "policy" | null;
  readonly faults: readonly Fault[];
  /** What the daemon would accept, and is most likely a mistake. */
  readonly warnings: readonly Fault[];
}

/**
 * Checks each file by its kind, with all that a start would find: the files that it names, and this machine. Without
 * files: the one of --config or JVPN_CONFIG, else those in the standard folder. Faults go to stderr or, with `json`,
 * into one document on stdout: the verdict is the result.
 */
export function checkFiles(files: readonly string[], flags: Flags, json: boolean): ExitCode {
  const named = namedConfig(flags);
  const chosen =
    files.length > 0
      ? files.map((file) => resolve(file))
      : named !== null
        ? [named]
        : standardFiles(["gateway.toml", "client.toml", "policy.toml"]);
  const checked = chosen.length > 0 ? chosen.map(checkFile) : [nothingToCheck()];
  const ok = checked.every((result) => result.faults.length === 0);
  if (json) process.stdout.write(`${JSON.stringify({ schema: "jumping-vpn/config-check/v1", ok, files: checked })}\n`);
  for (const result of json ? [] : checked) {
    for (const fault of result.faults) process.stderr.write(faultText(fault));
    for (const warning of result.warnings) process.stderr.write(faultText(warning, "warning"));
    if (result.faults.length === 0) process.stdout.write(`${result.file}: valid (${result.kind})\n`);
  }
  return ok ? EXIT.ok : EXIT.configuration;
}

function checkFile(file: string): Checked {
  const read = readToml(file);
  if (!read.ok) return { file, kind: null, faults: read.faults, warnings: [] };
  const schema = (read.value.value as { schema?: unknown }).schema;
  const role = roleOf(read.value);
  if (schema !== undefined || (role === null && basename(file).startsWith("policy"))) {
    const policy = loadPolicy(file);
    return { file, kind: "policy", faults: policy.ok ? [] : policy.faults, warnings: [] };
  }
  if (role === null) {
    return { file, kind: null, faults: [noRole(file)], warnings: [] };
  }
  const settings = settingsOf(role, read.value);
  if (!settings.ok) return { file, kind: role, faults: settings.faults, warnings: [] };
  const { faults, warnings } = policyWarnings(file, settings.value);
  return { file, kind: role, faults: [...machineFaults(settings.value), ...faults], warnings };
}

function noRole(file: string): Fault {
  const what = "this file is neither a configuration nor a policy";
  const why = "it has no [gateway], no [client] and no `schema`";
  return { file, line: null, what, why, hint: "write one with `jvpn init gateway` or `jvpn init client`" };
}

function namedConfig(flags: Flags): string | null {
  const named = flags.config ?? process.env.JVPN_CONFIG;
  return named === undefined ? null : resolve(named);
}

function standardFiles(names: readonly string[]): string[] {
  return names.map((name) => join(DIRECTORY, name)).filter((file) => existsSync(file));
}

function nothingToCheck(): Checked {
  const fault = {
    what: "there is nothing to check",
    why: `no file is named, and ${DIRECTORY} has no configuration`,
    hint: "name a file, or write one with `jvpn init`",
  };
  return { file: DIRECTORY, kind: null, faults: [fault], warnings: [] };
}

/** Checks the text of a configuration before it is written. Throws a `StartFailure` with exit code 2. */
export function checkOffered(role: Role, text: string): void {
  const file = `${role}.toml`;
  const parsed = parseToml(file, text);
  const settings = parsed.ok ? settingsOf(role, parsed.value) : parsed;
  if (settings.ok) return;
  const hint = "correct the command; nothing was written";
  // The file does not exist yet, so its name and line would not help.
  throw new StartFailure(
    settings.faults.map(({ what, why }) => ({ what, why, hint })),
    EXIT.usage,
  );
}

/** `null` role = the role of the file: the named file, else the client's or the gateway's in the standard folder. */
export function showConfig(role: Role | null, flags: Flags, placesOnly: boolean): void {
  const standard = role === null ? standardFiles(["client.toml", "gateway.toml"])[0] : undefined;
  const file = namedConfig(flags) ?? standard ?? configFile(role ?? "client", flags);
  showSettings(role ?? roleIn(file), { ...flags, config: file }, placesOnly);
}

function roleIn(file: string): Role {
  const read = readToml(file);
  if (!read.ok) throw new StartFailure(read.faults, EXIT.configuration);
  const role = roleOf(read.value);
  if (role === null) throw new StartFailure([noRole(file)], EXIT.configuration);
  return role;
}

/** Prints the configuration with all defaults, and the paths that follow from the flags, as one JSON document. */
function showSettings(role: Role, flags: Flags, placesOnly: boolean): void {
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
