import { dirname, resolve } from "node:path";
import { type ClientSettings, clientSettings } from "#daemon/config/client";
import { type Outcome, readToml, type TomlDocument } from "#daemon/config/document";
import { type GatewaySettings, gatewaySettings } from "#daemon/config/gateway";
import { type Fault, StartFailure } from "#daemon/fault";
import { EXIT } from "#kernel/contract/exit-code";
import type { Role } from "#kernel/contract/state";

export type Settings = GatewaySettings | ClientSettings;

/** Reads and checks a configuration file, and reports at most 20 faults. Paths inside it are relative to its folder. */
export function loadSettings(role: Role, file: string): Outcome<Settings> {
  const read = readToml(file);
  return read.ok ? settingsOf(role, read.value) : read;
}

export function settingsOf(role: Role, document: TomlDocument): Outcome<Settings> {
  const found = roleOf(document);
  if (found !== null && found !== role) return { ok: false, faults: [otherRole(document.file, role, found)] };
  const checked: Outcome<Settings> = role === "gateway" ? gatewaySettings(document) : clientSettings(document);
  if (!checked.ok) return checked;
  return { ok: true, value: { ...checked.value, identity: resolve(dirname(document.file), checked.value.identity) } };
}

/** Like `loadSettings`, but throws a `StartFailure` with exit code 4. */
export function requireSettings(role: Role, file: string): Settings {
  const loaded = loadSettings(role, file);
  if (!loaded.ok) throw new StartFailure(loaded.faults, EXIT.configuration);
  return loaded.value;
}

/**
 * A gateway's file has a table `[gateway]` with `listen` or `pools`, a client's has `[client]` with `identity`. This
 * also holds if a list was written as a table, or a table as a list.
 */
export function roleOf(document: TomlDocument): Role | null {
  const { gateway, client } = (document.value ?? {}) as { gateway?: unknown; client?: unknown };
  const has = (table: unknown, ...keys: readonly string[]) =>
    [table].flat().some((one) => one !== null && typeof one === "object" && keys.some((key) => Object.hasOwn(one, key)));
  if (has(gateway, "listen", "pools", "identity")) return "gateway";
  if (has(client, "identity", "reconnect") || has(gateway, "address")) return "client";
  if (gateway === undefined && client === undefined) return null;
  return Array.isArray(gateway) || (client !== undefined && !Array.isArray(client)) ? "client" : "gateway";
}

function otherRole(file: string, wanted: Role, found: Role): Fault {
  const what = `this is the configuration of a ${found}, not of a ${wanted}`;
  const why = found === "gateway" ? "it has a table [gateway]" : "it has a table [client], or a list [[gateway]]";
  return { file, line: null, what, why, hint: `name the file of the ${wanted}, or run it as a ${found}` };
}
