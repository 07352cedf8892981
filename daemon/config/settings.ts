import type { z } from "zod";
import type { daemonTable, engineTable } from "#daemon/config/fields";
import { DEFAULT_MARK, DEFAULT_MTU } from "#daemon/config/fields";
import { packetsMax } from "#daemon/config/key-limits";

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";

/** Paths and names of a process; `null` = the default, unless a flag sets it. */
interface DaemonSettings {
  readonly socket: string | null;
  readonly state: string | null;
  readonly events: string | null;
  readonly policy: string | null;
  readonly node: string | null;
  readonly log: LogLevel | null;
}

interface EngineSettings {
  readonly disable: readonly string[];
  readonly rekeyAfterS: number;
  readonly rejectAfterS: number;
  readonly rekeyAfterPackets: number;
}

/** Settings that both roles have. */
export interface CommonSettings {
  readonly interface: string;
  readonly mtu: number;
  readonly mark: number;
  readonly daemon: DaemonSettings;
  readonly engine: EngineSettings;
}

interface CommonTables {
  readonly tunnel: { readonly interface: string; readonly mtu: number | "auto" };
  readonly daemon: z.output<typeof daemonTable>;
  readonly engine: z.output<typeof engineTable>;
}

export function commonSettings({ tunnel, daemon, engine }: CommonTables): CommonSettings {
  return {
    interface: tunnel.interface,
    mtu: mtuOf(tunnel),
    mark: DEFAULT_MARK,
    daemon: daemonSettings(daemon),
    engine: engineSettings(engine, mtuOf(tunnel)),
  };
}

export function mtuOf({ mtu }: CommonTables["tunnel"]): number {
  return mtu === "auto" ? DEFAULT_MTU : mtu;
}

function daemonSettings(table: z.output<typeof daemonTable>): DaemonSettings {
  return {
    socket: table.socket ?? null,
    state: table.state ?? null,
    events: table.events ?? null,
    policy: table.policy ?? null,
    node: table.node ?? null,
    log: table.log ?? null,
  };
}

function engineSettings(table: z.output<typeof engineTable>, mtu: number): EngineSettings {
  return {
    disable: table.disable,
    rekeyAfterS: table.rekey_after_s,
    rejectAfterS: table.reject_after_s,
    rekeyAfterPackets: table.rekey_after_packets ?? packetsMax(mtu),
  };
}
