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
