import type { Authority, ClusterEvent } from "./model.ts";

type State = Authority["state"];

/** What each event does to the authority in each state. `clock` = nothing but what the time itself has done by then. */
type Rule = "join" | "renew" | "clock" | "fence" | "move" | "reject";

interface Row {
  readonly from: State;
  readonly on: ClusterEvent["type"];
  readonly rule: Rule;
}

/**
 * ```
 * held ──deadline passed, Joined──► lost ──heartbeat committed──► held
 *   └────────Fenced───────────┴──Fenced──► fenced (for good)
 * ```
 * A heartbeat that fails is no event of its own: it only does not move the deadline, which the clock then passes.
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
/** Fails to compile, naming the missing pairs, when a (state, event) has no row. */
export type EveryPairHasARow = Nothing<Uncovered>;

/** The rule for a pair. */
export function ruleFor(from: State, on: ClusterEvent["type"]): Rule {
  const row = TABLE.find((candidate) => candidate.from === from && candidate.on === on);
  return row?.rule ?? "clock";
}
