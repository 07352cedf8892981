import type { Row } from "../row.ts";

/** DEGRADED: no path is good enough, or none is permitted. The search ends with a stable candidate or a time-out. */
// biome-ignore format: a row is read as one line of a table
export const DEGRADED_ROWS = [
  {
    id: "degraded-no-candidate", case: "2.2", from: ["DEGRADED"], role: "client", on: ["CandidateAvailable"], when: ["none"],
    to: [], does: ["clear_wait"],
  },
  { id: "degraded-wait", case: "3", from: ["DEGRADED"], role: "client", on: ["CandidateAvailable"], when: ["wait"], to: [], does: [] },
  {
    id: "degraded-candidate", case: "6", from: ["DEGRADED"], role: "client", on: ["CandidateAvailable"], when: ["allowed"],
    to: [{ to: "RECOVERING", because: "$cause" }], does: ["attach"],
  },
  {
    id: "degraded-candidate-denied", case: "3", from: ["DEGRADED"], role: "client", on: ["CandidateAvailable"], when: ["denied"],
    to: [], does: ["deny"],
  },
  {
    id: "degraded-client-chooses", case: "life", from: ["DEGRADED"], role: "gateway", on: ["CandidateAvailable"], when: "any", to: [], does: [],
  },
  {
    id: "degraded-other-path-dead", case: "6", from: ["DEGRADED"], role: "both", on: ["TransportDead"],
    when: ["other", "target_alone", "target_allowed"], to: [], does: [],
  },
  {
    id: "degraded-dead", case: "6", from: ["DEGRADED"], role: "both", on: ["TransportDead"],
    // After a death the cooldown for elective switches no longer applies, so the wait is cleared.
    when: ["active_alone", "active_allowed", "active_denied"], to: [], does: ["lose_active", "clear_wait"],
  },
  {
    id: "degraded-still-bad", case: "2.2", from: ["DEGRADED"], role: "both", on: ["ThresholdExceeded"], when: "any", to: [], does: ["count_cause"],
  },
  {
    id: "degraded-path-cleared", case: "2.2", from: ["DEGRADED"], role: "both", on: ["StabilityRestored"], when: "any", to: [], does: [],
  },
  {
    id: "degraded-switch", case: "7", from: ["DEGRADED"], role: "client", on: ["SwitchRequested"], when: ["allowed"],
    to: [{ to: "RECOVERING", because: "$cause" }], does: ["attach"],
  },
  {
    id: "degraded-switch-denied", case: "7", from: ["DEGRADED"], role: "both", on: ["SwitchRequested"], when: ["denied"], to: [], does: ["deny"],
  },
  {
    id: "degraded-follows-client", case: "6", from: ["DEGRADED"], role: "gateway", on: ["AttachValidated"], when: ["fresh", "on_active"],
    to: [{ to: "RECOVERING", because: "peer_reattach" }, { to: "ATTACHED", because: "peer_reattach" }], does: ["bind", "answer_bind"],
  },
  {
    id: "degraded-denies-client", case: "7", from: ["DEGRADED"], role: "gateway", on: ["AttachValidated"], when: ["denied"],
    to: [], does: ["answer_deny", "deny"],
  },
  {
    id: "degraded-authority-lost", case: "isolation", from: ["DEGRADED"], role: "both", on: ["AuthorityLost"], when: ["always"],
    to: [], does: ["count_cause"],
  },
  {
    id: "degraded-authority-held", case: "isolation", from: ["DEGRADED"], role: "both", on: ["AuthorityRegained"], when: ["always"],
    to: [], does: [],
  },
] as const satisfies readonly Row[];
