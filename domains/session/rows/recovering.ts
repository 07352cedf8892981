import type { Row } from "../row.ts";

/** RECOVERING: one attempt on one target runs, with a time-out. The old path stays active while it is alive. */
// biome-ignore format: a row is read as one line of a table
export const RECOVERING_ROWS = [
  {
    id: "recovering-proven", case: "1.1", from: ["RECOVERING"], role: "client", on: ["AttachValidated"], when: ["fresh"],
    to: [{ to: "ATTACHED", because: "reattach_validated" }], does: ["bind"],
  },
  {
    id: "recovering-other-proof", case: "4", from: ["RECOVERING"], role: "client", on: ["AttachValidated"], when: ["stale", "on_active", "denied"],
    to: [], does: ["diagnose"], refuses: "stale_attempt",
  },
  {
    id: "recovering-follows-client", case: "1.1", from: ["RECOVERING"], role: "gateway", on: ["AttachValidated"], when: ["fresh", "on_active"],
    to: [{ to: "ATTACHED", because: "peer_reattach" }], does: ["bind", "answer_bind"],
  },
  {
    id: "recovering-denies-client", case: "7", from: ["RECOVERING"], role: "gateway", on: ["AttachValidated"], when: ["denied"],
    to: [], does: ["answer_deny", "deny"],
  },
  {
    id: "recovering-denied-by-peer", case: "7", from: ["RECOVERING"], role: "client", on: ["PeerDenied"], when: ["current"],
    to: [{ to: "DEGRADED", because: "$cause" }], does: ["abort", "deny"],
  },
  {
    id: "recovering-other-denial", case: "4", from: ["RECOVERING"], role: "client", on: ["PeerDenied"], when: ["stale"],
    to: [], does: ["diagnose"], refuses: "stale_attempt",
  },
  {
    id: "recovering-target-failed-next", case: "1.1", from: ["RECOVERING"], role: "client", on: ["TargetFailed"], when: ["allowed"],
    to: [{ to: "DEGRADED", because: "$cause" }, { to: "RECOVERING", because: "candidate_available" }], does: ["abort", "attach"],
  },
  {
    id: "recovering-target-failed", case: "1.2", from: ["RECOVERING"], role: "client", on: ["TargetFailed"], when: ["alone"],
    to: [{ to: "DEGRADED", because: "$cause" }], does: ["abort"],
  },
  {
    id: "recovering-other-failed", case: "order", from: ["RECOVERING"], role: "client", on: ["TargetFailed"], when: ["stale"],
    to: [], does: ["diagnose"], refuses: "stale_attempt",
  },
  {
    id: "recovering-target-dead-next", case: "1.1", from: ["RECOVERING"], role: "client", on: ["TransportDead"], when: ["target_allowed"],
    to: [{ to: "DEGRADED", because: "target_dead" }, { to: "RECOVERING", because: "candidate_available" }],
    does: ["lose_active", "abort", "attach"],
  },
  {
    id: "recovering-target-dead", case: "1.2", from: ["RECOVERING"], role: "client", on: ["TransportDead"], when: ["target_alone"],
    to: [{ to: "DEGRADED", because: "target_dead" }], does: ["lose_active", "abort"],
  },
  {
    id: "recovering-target-dead-gateway", case: "1.2", from: ["RECOVERING"], role: "gateway", on: ["TransportDead"],
    when: ["target_alone", "target_allowed"], to: [{ to: "DEGRADED", because: "target_dead" }], does: ["lose_active", "abort"],
  },
  {
    id: "recovering-old-path-dead", case: "1.1", from: ["RECOVERING"], role: "both", on: ["TransportDead"],
    when: ["active_alone", "active_allowed", "active_denied"], to: [], does: ["lose_active"],
  },
  {
    id: "recovering-other-path-dead", case: "life", from: ["RECOVERING"], role: "both", on: ["TransportDead"], when: ["other"], to: [], does: [],
  },
  {
    id: "recovering-path-news", case: "life", from: ["RECOVERING"], role: "both", on: ["CandidateAvailable", "StabilityRestored"], when: "any",
    to: [], does: [],
  },
  {
    id: "recovering-still-bad", case: "2.1", from: ["RECOVERING"], role: "both", on: ["ThresholdExceeded"], when: "any", to: [], does: ["count_cause"],
  },
  {
    id: "recovering-one-at-a-time", case: "7", from: ["RECOVERING"], role: "both", on: ["SwitchRequested"], when: ["denied"], to: [], does: ["deny"],
  },
  {
    id: "recovering-one-at-a-time-allowed", case: "7", from: ["RECOVERING"], role: "client", on: ["SwitchRequested"], when: ["allowed"],
    to: [], does: ["diagnose"], refuses: "attempt_in_progress",
  },
  {
    id: "recovering-forged", case: "4", from: ["RECOVERING"], role: "both", on: ["ValidationFailed"], when: ["tolerated"],
    to: [{ to: "DEGRADED", because: "reattach_validation_failed" }], does: ["abort", "deny"],
  },
  {
    id: "recovering-timeout", case: "1.2", from: ["RECOVERING"], role: "both", on: ["AttemptTimedOut"], when: ["always"],
    to: [{ to: "DEGRADED", because: "attempt_timeout" }], does: ["abort"],
  },
  {
    id: "recovering-authority-lost", case: "isolation", from: ["RECOVERING"], role: "both", on: ["AuthorityLost"], when: ["always"],
    to: [{ to: "DEGRADED", because: "authority_lost" }], does: ["count_cause", "abort"],
  },
  {
    id: "recovering-authority-held", case: "life", from: ["RECOVERING"], role: "both", on: ["AuthorityRegained"], when: ["always"], to: [], does: [],
  },
] as const satisfies readonly Row[];
