import { join, resolve } from "node:path";
import type { Settings } from "#daemon/config/load";
import { policyFile } from "#daemon/config/policy";
import type { LogLevel } from "#daemon/config/settings";
import type { Role } from "#kernel/contract/state";

/** Command-line flags. Precedence: flags, environment, configuration, defaults. */
export interface Flags {
  readonly config?: string;
  readonly socket?: string;
  readonly state?: string;
  readonly events?: string;
  readonly policy?: string;
  readonly logLevel?: LogLevel;
}

export interface Places {
  readonly socket: string;
  readonly state: string;
  readonly events: string;
  /** `null` = the built-in policy. */
  readonly policy: string | null;
}

const CONFIG_DIR = "/etc/jumping-vpn";
const STATE_DIR = "/var/lib/jumping-vpn";
const SOCKET = "/run/jumping-vpn/control.sock";

export function configFile(role: Role, flags: Flags): string {
  return resolve(flags.config ?? process.env.JVPN_CONFIG ?? join(CONFIG_DIR, `${role}.toml`));
}

/** `settings`: `null` if the configuration cannot be read. */
export function stateOf(settings: Settings | null, flags: Flags): string {
  return resolve(flags.state ?? settings?.daemon.state ?? STATE_DIR);
}

export function placesOf(config: string, settings: Settings, flags: Flags): Places {
  const { daemon } = settings;
  const state = stateOf(settings, flags);
  return {
    socket: resolve(flags.socket ?? process.env.JVPN_SOCKET ?? daemon.socket ?? SOCKET),
    state,
    events: resolve(flags.events ?? daemon.events ?? join(state, "events.jsonl")),
    policy: policyFile(config, settings, flags.policy),
  };
}
