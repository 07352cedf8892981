import type { PathStats, SilenceEvidence } from "#kernel/contract/engine.generated";
import type { Numbers } from "#kernel/contract/event";
import type { RankView } from "#kernel/contract/policy";
import type { Priority } from "#kernel/contract/priority";
import type { Reason } from "#kernel/contract/reason";
import type { PathId } from "#kernel/contract/state";
import type { Millis } from "#kernel/time";

/** Maximum number of penalties, which outlive the path ids. */
export const PENALTIES_MAX = 16;
/** Snapshots per path: enough for 10 s at the engine's interval of 100 ms. At shorter intervals some are dropped. */
export const SAMPLES_MAX = 128;

/** The part of a policy that the transport domain reads. */
export interface PathPolicy {
  readonly volatile: {
    readonly loss: { readonly threshold: number; readonly windowMs: Millis };
    readonly latency: { readonly thresholdMs: Millis; readonly windowMs: Millis };
    readonly jitter: { readonly thresholdMs: Millis; readonly windowMs: Millis };
  };
  readonly switch: { readonly returnToPreferredAfterMs: Millis; readonly marginMs: Millis; readonly marginRatio: number };
  readonly penalty: { readonly firstMs: Millis; readonly maxMs: Millis };
}

/** One snapshot. Counters are cumulative; only differences have a meaning. */
export interface Sample {
  readonly at: Millis;
  /** 0 = no estimate yet. */
  readonly srttUs: number;
  readonly jitterUs: number;
  readonly upSent: number;
  readonly upReceived: number;
  readonly downSent: number;
  readonly downReceived: number;
  /**
   * True once the direction's counters have changed since the windows were cleared. Before that their age is unknown:
   * the counters in the peer's newest probe may be from before a blackout, and a difference would include its losses.
   */
  readonly upMoved: boolean;
  readonly downMoved: boolean;
}

/** `cold` = not validated: it never was, or its challenge was not answered. */
type Health =
  | { readonly is: "cold"; readonly reason: Reason | null }
  | { readonly is: "alive"; readonly suspected: boolean; readonly unansweredSince: Millis | null }
  | {
      readonly is: "dead";
      readonly reason: Reason;
      /** The interface, address or route is gone. An answer counts only when it is back. */
      readonly linkLost: boolean;
      readonly answeredSince: boolean;
    };

export interface Path {
  readonly id: PathId;
  /** `wlan0/udp4` on a client, `udp4 198.51.100.7:50211` on a gateway. */
  readonly label: string;
  readonly ifname: string;
  readonly local: string | null;
  readonly remote: string;
  readonly priority: Priority;
  readonly metered: boolean;
  readonly health: Health;
  /** Start of the present time as a stable candidate; `null` = the path is no stable candidate. */
  readonly stableSince: Millis | null;
  /** When the path stopped being active without dying; `null` = never. */
  readonly unboundAt: Millis | null;
  /** Newest estimates, in µs; `null` = not measured. A death clears the windows but not these. */
  readonly rttUs: number | null;
  /** The smallest measured round trip: the delay without queues. */
  readonly rttMinUs: number | null;
  readonly rttVarUs: number | null;
  readonly jitterUs: number | null;
  /** The largest outer packet that this end can send on the path, bytes; `null` = not measured. */
  readonly mtu: number | null;
  /** Newest figures of the engine: when something authentic last arrived, and bytes in both directions. */
  readonly heardAt: Millis | null;
  readonly rxBytes: number;
  readonly txBytes: number;
  /** Oldest first, at most `SAMPLES_MAX`. */
  readonly samples: readonly Sample[];
  readonly probes: Probes;
}

/** Loss of probes, for a standby path with too little traffic for a window. */
export interface Probes {
  /** The engine's cumulative counters in the newest snapshot; `null` = none since the path became alive. */
  readonly answered: number | null;
  readonly lost: number | null;
  /** Number of probes judged since the path became alive, at most `PROBES_MEMORY`. */
  readonly judged: number;
  /** Moving average over about 64 probes, 0…1. */
  readonly lossRatio: number;
}

export const NO_PROBES: Probes = { answered: null, lost: null, judged: 0, lossRatio: 0 };

/** The growing penalty of a path that died. Its key stays the same when the path gets a new id. */
export interface Penalty {
  readonly ifname: string;
  readonly remote: string;
  /** Number of deaths that still count. */
  readonly deaths: number;
  readonly until: Millis;
}

/** Thresholds that an active path can exceed, in the order in which they are reported. */
const THRESHOLD_REASONS = [
  "loss_threshold_exceeded",
  "latency_threshold_exceeded",
  "jitter_threshold_exceeded",
  "heartbeat_timeout",
] as const;
export type ThresholdReason = (typeof THRESHOLD_REASONS)[number];

/** A threshold that the active path has exceeded since it was last stable for a full window. */
export interface Excess {
  readonly reason: ThresholdReason;
  readonly reportedAt: Millis;
}

/** Health of all paths of one session. Plain JSON. */
export interface Transport {
  readonly paths: readonly Path[];
  readonly penalties: readonly Penalty[];
  /** Excesses of the active path. */
  readonly excesses: readonly Excess[];
}

export const NO_PATHS: Transport = { paths: [], penalties: [], excesses: [] };

/** The path with that id; `undefined` if it is unknown. */
export function pathOf(t: Transport, id: PathId | null): Path | undefined {
  return t.paths.find((path) => path.id === id);
}

export type TransportEvent =
  | {
      readonly type: "Added";
      readonly path: PathId;
      readonly label: string;
      readonly ifname: string;
      readonly priority: Priority;
      readonly metered: boolean;
      readonly remote: string;
      readonly local?: string | null;
    }
  | { readonly type: "Validated"; readonly path: PathId; readonly rttUs: number }
  | { readonly type: "Unanswered"; readonly path: PathId }
  | {
      readonly type: "Silent";
      readonly path: PathId;
      readonly silentUs: number;
      readonly limitUs: number;
      readonly evidence: SilenceEvidence;
    }
  | { readonly type: "Alive"; readonly path: PathId; readonly rttUs: number }
  | { readonly type: "Sized"; readonly path: PathId; readonly mtu: number }
  | { readonly type: "Suspected"; readonly path: PathId }
  | { readonly type: "Cleared"; readonly path: PathId }
  | { readonly type: "LinkLost"; readonly path: PathId; readonly reason: "link_down" | "address_gone" | "route_gone" }
  | { readonly type: "LinkBack"; readonly path: PathId }
  | { readonly type: "SendError"; readonly path: PathId; readonly errno: string }
  | { readonly type: "Closed"; readonly path: PathId }
  | { readonly type: "Removed"; readonly path: PathId }
  /** Statistics of unknown paths are ignored. */
  | { readonly type: "Measured"; readonly stats: readonly PathStats[] }
  /** This path became active, or was proved again. `left`: the active path until then, if it is alive. */
  | { readonly type: "Bound"; readonly path: PathId; readonly left: PathId | null };

export type Finding =
  | {
      readonly type: "Dead";
      readonly path: PathId;
      readonly reason: Reason;
      readonly numbers: Numbers;
      readonly wasActive: boolean;
    }
  /** A dead path is alive again. */
  | { readonly type: "Returned"; readonly path: PathId }
  /** The active path exceeds a threshold: at the first time, then once per window. Loss as a ratio, others in ms. */
  | {
      readonly type: "Exceeded";
      readonly path: PathId;
      readonly reason: ThresholdReason;
      readonly measured: number;
      readonly threshold: number;
    }
  /** The active path has stayed below every threshold for a full window after an excess. */
  | { readonly type: "Restored"; readonly path: PathId }
  /** The path became a stable candidate. The active path can be one. */
  | { readonly type: "Stable"; readonly path: PathId }
  /** The path is alive but no longer a stable candidate. */
  | { readonly type: "Unstable"; readonly path: PathId }
  /** The table is full, so the path was not added. */
  | { readonly type: "Refused"; readonly path: PathId; readonly reason: "resource_exhausted" };

export interface TransportStep {
  readonly next: Transport;
  readonly findings: readonly Finding[];
}

export interface Choice {
  readonly path: PathId;
  readonly tuple: RankView;
}
