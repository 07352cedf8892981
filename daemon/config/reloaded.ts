import type { Settings } from "#daemon/config/load";

/** Settings of devices, sockets and files that are already open. */
const FIXED = ["identity", "interface", "listen", "pools", "routes", "mtu", "masquerade", "workers", "mark", "engine", "daemon"];

/**
 * The settings after a reload. Settings that a running process cannot change keep their values; `kept` = those of them
 * that the file changed.
 */
export function reloaded(running: Settings, fresh: Settings): { readonly settings: Settings; readonly kept: readonly string[] } {
  const fixed = Object.entries(running).filter(([key]) => FIXED.includes(key));
  const wanted = new Map<string, unknown>(Object.entries(fresh));
  const kept = fixed.filter(([key, value]) => textOf(value) !== textOf(wanted.get(key))).map(([key]) => key);
  return { settings: { ...fresh, ...Object.fromEntries(fixed) }, kept };
}

const textOf = (value: unknown): string | undefined =>
  JSON.stringify(value, (_key, inner: unknown) => (typeof inner === "bigint" ? String(inner) : inner));
