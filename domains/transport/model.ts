import type { PathStats, SilenceEvidence } from "#kernel/contract/engine.generated";
import type { Numbers } from "#kernel/contract/event";
import type { RankView } from "#kernel/contract/policy";
import type { Priority } from "#kernel/contract/priority";
import type { Reason } from "#kernel/contract/reason";
import type { PathId } from "#kernel/contract/state";
import type { Millis } from "#kernel/time";

/** Dead paths that are remembered for their penalty, also after their path id is gone. */
export const PENALTIES_MAX = 16;
/** Snapshots kept per path: a window of 10 s at the engine's cadence of 100 ms, with room; a faster cadence is thinned. */
export const SAMPLES_MAX = 128;

/** The part of a policy that judges paths. A whole `Policy` fits. */
export interface PathPolicy {
  readonly volatile: {
    readonly loss: { readonly threshold: number; readonly windowMs: Millis };
    readonly latency: { readonly thresholdMs: Millis; readonly windowMs: Millis };
    readonly jitter: { readonly thresholdMs: Millis; readonly windowMs: Millis };
  };
  readonly switch: { readonly returnToPreferredAfterMs: Millis; readonly marginMs: Millis; readonly marginRatio: number };
  readonly penalty: { readonly firstMs: Millis; readonly maxMs: Millis };
}

/** One snapshot as the windows keep it. Counters are cumulative; differences mean something, levels do not. */
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
   * The direction's counters have moved since the windows started afresh. Until then they are of an unknown age: those of the peer's
   * newest probe may be from before a blackout, and a difference to them would count what the blackout swallowed.
   */
  readonly upMoved: boolean;
  readonly downMoved: boolean;
}

/** What is known of a path's life. `cold` = not validated: it never was, or its challenge stayed unanswered. */
type Health =
  | { readonly is: "cold"; readonly reason: Reason | null }
  | { readonly is: "alive"; readonly suspected: boolean; readonly unansweredSince: Millis | null }
  | {
      readonly is: "dead";
      readonly reason: Reason;
      /** Its interface, address or route is gone: an answer counts only once that is back. */
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
  /** Since when it has been a stable candidate without a break; `null` = it is none. */
  readonly stableSince: Millis | null;
  /** When it stopped being the active path without dying; `null` = never. */
  readonly unboundAt: Millis | null;
  /** Newest estimates, in µs; `null` = not measured. They outlive the windows, which a death clears. */
  readonly rttUs: number | null;
  /** The smallest round trip seen: what is left of the path when nothing queues on it. */
  readonly rttMinUs: number | null;
  readonly rttVarUs: number | null;
  readonly jitterUs: number | null;
  /** The largest outer packet that passes from here, bytes; `null` = not searched. */
  readonly mtu: number | null;
  /** Oldest first, at most `SAMPLES_MAX`. */
  readonly samples: readonly Sample[];
  readonly probes: Probes;
}

/** Loss of probes, for a standby whose traffic is too thin for a window. */
export interface Probes {
  /** The engine's cumulative counters at the newest snapshot; `null` = none since the path came alive. */
  readonly answered: number | null;
  readonly lost: number | null;
  /** Probes judged since the path came alive, counted up to the memory of the average. */
  readonly judged: number;
  /** Moving average over about 64 probes, 0…1. */
  readonly lossRatio: number;
}

export const NO_PROBES: Probes = { answered: null, lost: null, judged: 0, lossRatio: 0 };

/** The growing penalty of a path that died, by what stays the same when its path id does not. */
export interface Penalty {
  readonly ifname: string;
  readonly remote: string;
  /** Deaths that were not forgotten yet. */
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

/** A threshold that the active path has exceeded since it was last stable for a whole window. */
export interface Excess {
  readonly reason: ThresholdReason;
  readonly reportedAt: Millis;
}

/** Health of all paths of one session. Plain JSON. */
export interface Transport {
  readonly paths: readonly Path[];
  readonly penalties: readonly Penalty[];
  /** Of the active path. */
  readonly excesses: readonly Excess[];
}

export const NO_PATHS: Transport = { paths: [], penalties: [], excesses: [] };

/** The path of that id; `undefined` where it is not watched. */
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
  /** Only the statistics of this session's paths count; others are ignored by path id. */
  | { readonly type: "Measured"; readonly stats: readonly PathStats[] }
  /** This path became the active one, or proved itself anew. `left`: the active path until then, if it lives. */
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
  /** The active path: at the edge, then at most once per window. Ratio for loss, ms for the others. */
  | {
      readonly type: "Exceeded";
      readonly path: PathId;
      readonly reason: ThresholdReason;
      readonly measured: number;
      readonly threshold: number;
    }
  /** The active path stayed below every threshold for a whole window after it had exceeded one. */
  | { readonly type: "Restored"; readonly path: PathId }
  /** The path became a stable candidate (the active one counts). */
  | { readonly type: "Stable"; readonly path: PathId }
  /** The path is alive but no stable candidate any more. */
  | { readonly type: "Unstable"; readonly path: PathId }
  /** The table is full: the path is not watched. */
  | { readonly type: "Refused"; readonly path: PathId; readonly reason: "resource_exhausted" };

export interface TransportStep {
  readonly next: Transport;
  readonly findings: readonly Finding[];
}

export interface Choice {
  readonly path: PathId;
  readonly tuple: RankView;
}
