import type { Row } from "../row.ts";

/** VOLATILE: the active path has a problem, and the next step is not decided. Lasts at most VOLATILE_MAX. */
// biome-ignore format: a row is read as one line of a table
export const VOLATILE_ROWS = [
  {
    id: "volatile-no-candidate", case: "2.2", from: ["VOLATILE"], role: "client", on: ["CandidateAvailable"], when: ["none", "wait"], to: [], does: [],
  },
  {
    id: "volatile-candidate", case: "2.1", from: ["VOLATILE"], role: "client", on: ["CandidateAvailable"], when: ["allowed"],
    to: [{ to: "RECOVERING", because: "$cause" }], does: ["attach"],
  },
  {
    id: "volatile-candidate-denied", case: "3", from: ["VOLATILE"], role: "client", on: ["CandidateAvailable"], when: ["denied"],
    to: [{ to: "DEGRADED", because: "$denial" }], does: ["deny"],
  },
  {
    id: "volatile-client-chooses", case: "life", from: ["VOLATILE"], role: "gateway", on: ["CandidateAvailable", "StabilityRestored"], when: "any",
    to: [], does: [],
  },
  {
    id: "volatile-other-path-dead", case: "life", from: ["VOLATILE"], role: "both", on: ["TransportDead"],
    when: ["other", "target_alone", "target_allowed"], to: [], does: [],
  },
  {
    id: "volatile-dead-backup", case: "1.1", from: ["VOLATILE"], role: "client", on: ["TransportDead"], when: ["active_allowed"],
    to: [{ to: "RECOVERING", because: "transport_dead" }], does: ["lose_active", "attach"],
  },
  {
    id: "volatile-dead-denied", case: "3", from: ["VOLATILE"], role: "client", on: ["TransportDead"], when: ["active_denied"],
    to: [{ to: "DEGRADED", because: "transport_dead" }], does: ["lose_active", "deny"],
  },
  {
    id: "volatile-dead-alone", case: "1.2", from: ["VOLATILE"], role: "both", on: ["TransportDead"], when: ["active_alone"],
    to: [{ to: "DEGRADED", because: "transport_dead" }], does: ["lose_active"],
  },
  {
    id: "volatile-dead-wait-for-client", case: "1.1", from: ["VOLATILE"], role: "gateway", on: ["TransportDead"],
    when: ["active_allowed", "active_denied"], to: [], does: ["lose_active"],
  },
  {
    id: "volatile-still-bad", case: "2.2", from: ["VOLATILE"], role: "both", on: ["ThresholdExceeded"], when: "any", to: [], does: ["count_cause"],
  },
  {
    id: "volatile-other-path-stable", case: "life", from: ["VOLATILE"], role: "client", on: ["StabilityRestored"], when: ["other"], to: [], does: [],
  },
  {
    id: "volatile-cleared", case: "2.1", from: ["VOLATILE"], role: "client", on: ["StabilityRestored"], when: ["allowed"],
    to: [{ to: "RECOVERING", because: "stability_restored" }], does: ["attach"],
  },
  {
    id: "volatile-cleared-denied", case: "3", from: ["VOLATILE"], role: "client", on: ["StabilityRestored"], when: ["denied"],
    to: [{ to: "DEGRADED", because: "$denial" }], does: ["deny"],
  },
  {
    id: "volatile-switch", case: "7", from: ["VOLATILE"], role: "client", on: ["SwitchRequested"], when: ["allowed"],
    to: [{ to: "RECOVERING", because: "$cause" }], does: ["attach"],
  },
  {
    id: "volatile-switch-denied", case: "7", from: ["VOLATILE"], role: "both", on: ["SwitchRequested"], when: ["denied"],
    to: [{ to: "DEGRADED", because: "$denial" }], does: ["deny"],
  },
  {
    id: "volatile-follows-client", case: "1.1", from: ["VOLATILE"], role: "gateway", on: ["AttachValidated"], when: ["fresh", "on_active"],
    to: [{ to: "RECOVERING", because: "peer_reattach" }, { to: "ATTACHED", because: "peer_reattach" }], does: ["bind", "answer_bind"],
  },
  {
    id: "volatile-denies-client", case: "7", from: ["VOLATILE"], role: "gateway", on: ["AttachValidated"], when: ["denied"],
    to: [{ to: "DEGRADED", because: "$denial" }], does: ["answer_deny", "deny"],
  },
  {
    id: "volatile-persisted", case: "2.2", from: ["VOLATILE"], role: "both", on: ["VolatilePersisted"], when: ["always"],
    to: [{ to: "DEGRADED", because: "volatile_persisted" }], does: [],
  },
  {
    id: "volatile-authority-lost", case: "isolation", from: ["VOLATILE"], role: "both", on: ["AuthorityLost"], when: ["always"],
    to: [{ to: "DEGRADED", because: "authority_lost" }], does: ["count_cause"],
  },
  {
    id: "volatile-authority-held", case: "life", from: ["VOLATILE"], role: "both", on: ["AuthorityRegained"], when: ["always"], to: [], does: [],
  },
] as const satisfies readonly Row[];
