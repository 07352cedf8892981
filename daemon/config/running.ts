import type { Settings } from "#daemon/config/load";
import type { EngineConfig } from "#kernel/contract/engine.generated";

export function engineConfig(settings: Settings): EngineConfig {
  return {
    role: settings.role,
    identity: settings.identity,
    listen: settings.role === "gateway" ? [...settings.listen] : [],
    tun: settings.interface,
    mtu: settings.mtu,
    disable: [...settings.engine.disable],
    workers: settings.role === "client" ? 1 : settings.workers === "auto" ? 0 : settings.workers,
    mark: settings.mark,
    rekeyAfterS: settings.engine.rekeyAfterS,
    rejectAfterS: settings.engine.rejectAfterS,
    rekeyAfterPackets: settings.engine.rekeyAfterPackets,
  };
}

/** What belongs to devices, sockets and files that are open already. */
const FIXED = ["identity", "interface", "listen", "pools", "routes", "mtu", "masquerade", "workers", "mark", "engine", "daemon"];

/** The settings after a reload: what a running process cannot change keeps its value. `kept` = where that hides a change. */
export function reloaded(running: Settings, fresh: Settings): { readonly settings: Settings; readonly kept: readonly string[] } {
  const fixed = Object.entries(running).filter(([key]) => FIXED.includes(key));
  const wanted = new Map<string, unknown>(Object.entries(fresh));
  const kept = fixed.filter(([key, value]) => textOf(value) !== textOf(wanted.get(key))).map(([key]) => key);
  return { settings: { ...fresh, ...Object.fromEntries(fixed) }, kept };
}

const textOf = (value: unknown): string | undefined =>
  JSON.stringify(value, (_key, inner: unknown) => (typeof inner === "bigint" ? String(inner) : inner));
