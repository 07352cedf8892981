import { lstatSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type ClientSettings, clientSettings } from "#daemon/config/client";
import { FAULTS_MAX, type Outcome, readToml, type TomlDocument } from "#daemon/config/document";
import { type GatewaySettings, gatewaySettings } from "#daemon/config/gateway";
import { causeText, errnoOf, type Fault, StartFailure } from "#daemon/fault";
import { EXIT } from "#kernel/contract/exit-code";
import type { Role } from "#kernel/contract/state";

export type Settings = GatewaySettings | ClientSettings;

/** Reads and checks a configuration file, and reports at most 20 faults. Paths inside it are relative to its folder. */
export function loadSettings(role: Role, file: string): Outcome<Settings> {
  const read = readToml(file);
  return read.ok ? settingsOf(role, read.value) : read;
}

export function settingsOf(role: Role, document: TomlDocument): Outcome<Settings> {
  const checked: Outcome<Settings> = role === "gateway" ? gatewaySettings(document) : clientSettings(document);
  if (!checked.ok) return { ok: false, faults: checked.faults.slice(0, FAULTS_MAX) };
  return { ok: true, value: { ...checked.value, identity: resolve(dirname(document.file), checked.value.identity) } };
}

/** Like `loadSettings`, but throws a `StartFailure` with exit code 4. */
export function requireSettings(role: Role, file: string): Settings {
  const loaded = loadSettings(role, file);
  if (!loaded.ok) throw new StartFailure(loaded.faults, EXIT.configuration);
  return loaded.value;
}

/** A gateway's file has a table `[gateway]`; a client's has `[client]` and a list `[[gateway]]`. */
export function roleOf(document: TomlDocument): Role | null {
  const value = document.value as { gateway?: unknown; client?: unknown } | null;
  if (Array.isArray(value?.gateway) || (value?.client !== undefined && !Array.isArray(value.client))) return "client";
  return value?.gateway === undefined ? null : "gateway";
}

/** Faults that prevent the use of a private key file. Only the engine reads the file and checks its content. */
export function identityFaults(file: string): Fault[] {
  try {
    const info = statSync(file);
    if (!info.isFile()) {
      return [
        {
          what: `the private key ${file} is not a file`,
          why: "a private key must be a regular file",
          hint: "name the file that `jvpn genkey` wrote",
        },
      ];
    }
    const mode = info.mode & 0o777;
    if ((mode & 0o077) === 0) return [];
    const why = `its mode is ${mode.toString(8).padStart(4, "0")}, so other users may read or write it`;
    const hint = `chmod 600 ${lstatSync(file).isSymbolicLink() ? `${file} (the file it points to)` : file}`;
    return [{ what: `the private key ${file} is accessible to other users`, why, hint }];
  } catch (cause) {
    const hint =
      errnoOf(cause) === "ENOENT"
        ? `write it with \`jvpn genkey ${file}\``
        : "run as root, or give this user permission to read the file";
    return [{ what: `the private key ${file} cannot be read`, why: causeText(cause), hint }];
  }
}
