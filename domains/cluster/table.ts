import type { Authority, ClusterEvent } from "./model.ts";

type State = Authority["state"];

/** What each event does to the authority in each state. `clock` = nothing except the expiry by time. */
type Rule = "join" | "renew" | "clock" | "fence" | "move" | "reject";

interface Row {
  readonly from: State;
  readonly on: ClusterEvent["type"];
  readonly rule: Rule;
}

/**
 * ```
 * held ──deadline passed, Joined──► lost ──heartbeat committed──► held
 *   └────────Fenced───────────┴──Fenced──► fenced (final)
 * ```
 * A failed heartbeat does not move the deadline, so authority expires by the clock.
 */
export const TABLE = [
  { from: "held", on: "Joined", rule: "join" },
  { from: "held", on: "HeartbeatCommitted", rule: "renew" },
  { from: "held", on: "HeartbeatFailed", rule: "clock" },
  { from: "held", on: "Fenced", rule: "fence" },
  { from: "held", on: "Moved", rule: "move" },
  { from: "held", on: "Tick", rule: "clock" },
  { from: "lost", on: "Joined", rule: "join" },
  { from: "lost", on: "HeartbeatCommitted", rule: "renew" },
  { from: "lost", on: "HeartbeatFailed", rule: "clock" },
  { from: "lost", on: "Fenced", rule: "fence" },
  { from: "lost", on: "Moved", rule: "move" },
  { from: "lost", on: "Tick", rule: "clock" },
  { from: "fenced", on: "Joined", rule: "reject" },
  { from: "fenced", on: "HeartbeatCommitted", rule: "reject" },
  { from: "fenced", on: "HeartbeatFailed", rule: "clock" },
  { from: "fenced", on: "Fenced", rule: "clock" },
  { from: "fenced", on: "Moved", rule: "move" },
  { from: "fenced", on: "Tick", rule: "clock" },
] as const satisfies readonly Row[];

type Pair<R> = R extends { from: infer F extends string; on: infer E extends string } ? `${F}:${E}` : never;
type Uncovered = Exclude<`${State}:${ClusterEvent["type"]}`, Pair<(typeof TABLE)[number]>>;
type Nothing<T extends never> = T;
/** Does not compile if a (state, event) has no row; the error names the missing pairs. */
export type EveryPairHasARow = Nothing<Uncovered>;

export function ruleFor(from: State, on: ClusterEvent["type"]): Rule {
  const row = TABLE.find((candidate) => candidate.from === from && candidate.on === on);
  return row?.rule ?? "clock";
}
