import type { Row } from "../row.ts";

/** ATTACHED: there is an active, validated path that is alive. Except for the end, the next state is VOLATILE. */
// biome-ignore format: a row is read as one line of a table
export const ATTACHED_ROWS = [
  {
    id: "attached-other-path", case: "life", from: ["ATTACHED"], role: "both", on: ["CandidateAvailable", "StabilityRestored"], when: "any",
    to: [], does: [],
  },
  {
    id: "attached-other-path-dead", case: "1.1", from: ["ATTACHED"], role: "both", on: ["TransportDead"],
    when: ["other", "target_alone", "target_allowed"], to: [], does: [],
  },
  {
    id: "attached-dead-backup", case: "1.1", from: ["ATTACHED"], role: "client", on: ["TransportDead"], when: ["active_allowed"],
    to: [{ to: "VOLATILE", because: "transport_dead" }, { to: "RECOVERING", because: "transport_dead" }], does: ["lose_active", "attach"],
  },
  {
    id: "attached-dead-alone", case: "1.2", from: ["ATTACHED"], role: "both", on: ["TransportDead"], when: ["active_alone"],
    to: [{ to: "VOLATILE", because: "transport_dead" }, { to: "DEGRADED", because: "no_candidate" }], does: ["lose_active"],
  },
  {
    id: "attached-dead-denied", case: "3", from: ["ATTACHED"], role: "client", on: ["TransportDead"], when: ["active_denied"],
    to: [{ to: "VOLATILE", because: "transport_dead" }, { to: "DEGRADED", because: "$denial" }], does: ["lose_active", "deny"],
  },
  {
    id: "attached-dead-wait-for-client", case: "1.1", from: ["ATTACHED"], role: "gateway", on: ["TransportDead"],
    when: ["active_allowed", "active_denied"], to: [{ to: "VOLATILE", because: "transport_dead" }], does: ["lose_active"],
  },
  {
    id: "attached-other-path-lossy", case: "life", from: ["ATTACHED"], role: "both", on: ["ThresholdExceeded"], when: ["other"],
    to: [], does: [],
  },
  {
    id: "attached-lossy-backup", case: "2.1", from: ["ATTACHED"], role: "client", on: ["ThresholdExceeded"], when: ["allowed"],
    to: [{ to: "VOLATILE", because: "$cause" }, { to: "RECOVERING", because: "$cause" }], does: ["count_cause", "attach"],
  },
  {
    id: "attached-lossy-denied", case: "3", from: ["ATTACHED"], role: "client", on: ["ThresholdExceeded"], when: ["denied"],
    to: [{ to: "VOLATILE", because: "$cause" }, { to: "DEGRADED", because: "$denial" }], does: ["count_cause", "deny"],
  },
  {
    id: "attached-lossy-alone", case: "2.2", from: ["ATTACHED"], role: "client", on: ["ThresholdExceeded"], when: ["alone"],
    to: [{ to: "VOLATILE", because: "$cause" }], does: ["count_cause"],
  },
  {
    id: "attached-lossy-gateway", case: "2.1", from: ["ATTACHED"], role: "gateway", on: ["ThresholdExceeded"],
    when: ["alone", "allowed", "denied"], to: [{ to: "VOLATILE", because: "$cause" }], does: ["count_cause"],
  },
  {
    id: "attached-switch", case: "7", from: ["ATTACHED"], role: "client", on: ["SwitchRequested"], when: ["allowed"],
    to: [{ to: "VOLATILE", because: "$cause" }, { to: "RECOVERING", because: "$cause" }], does: ["attach"],
  },
  {
    id: "attached-switch-denied", case: "7", from: ["ATTACHED"], role: "both", on: ["SwitchRequested"], when: ["denied"], to: [], does: ["deny"],
  },
  {
    id: "attached-confirms-path", case: "life", from: ["ATTACHED"], role: "gateway", on: ["AttachValidated"], when: ["on_active"],
    to: [], does: ["answer_bind"],
  },
  {
    id: "attached-follows-client", case: "1.1", from: ["ATTACHED"], role: "gateway", on: ["AttachValidated"], when: ["fresh"],
    to: [{ to: "VOLATILE", because: "peer_reattach" }, { to: "RECOVERING", because: "peer_reattach" }, { to: "ATTACHED", because: "peer_reattach" }],
    does: ["bind", "answer_bind"],
  },
  {
    id: "attached-denies-client", case: "7", from: ["ATTACHED"], role: "gateway", on: ["AttachValidated"], when: ["denied"],
    to: [], does: ["answer_deny", "deny"],
  },
  {
    id: "attached-authority-lost", case: "isolation", from: ["ATTACHED"], role: "both", on: ["AuthorityLost"], when: ["always"],
    to: [{ to: "VOLATILE", because: "authority_lost" }, { to: "DEGRADED", because: "authority_lost" }], does: ["count_cause"],
  },
  {
    id: "attached-authority-held", case: "life", from: ["ATTACHED"], role: "both", on: ["AuthorityRegained"], when: ["always"], to: [], does: [],
  },
] as const satisfies readonly Row[];
