import type { Row } from "../row.ts";

const LIVE = ["BIRTH", "ATTACHED", "VOLATILE", "DEGRADED", "RECOVERING"] as const;
const BORN = ["ATTACHED", "VOLATILE", "DEGRADED", "RECOVERING"] as const;
const UNSTABLE = ["VOLATILE", "DEGRADED", "RECOVERING"] as const;

/** Rows that are equal in several states: ends, limits and refusals. */
// biome-ignore format: a row is read as one line of a table
export const LIVE_ROWS = [
  {
    id: "lifetime", case: "5", from: LIVE, role: "both", on: ["LifetimeExceeded"], when: ["always"],
    to: [{ to: "TERMINATED", because: "session_lifetime_exceeded" }], does: ["close"],
  },
  {
    id: "operator-terminates", case: "8", from: LIVE, role: "both", on: ["OperatorTerminate"], when: ["always"],
    to: [{ to: "TERMINATED", because: "$cause" }], does: ["close"],
  },
  {
    id: "client-closes", case: "8", from: BORN, role: "gateway", on: ["PeerClose"], when: ["always"],
    to: [{ to: "TERMINATED", because: "peer_closed" }], does: ["forget"],
  },
  {
    id: "gateway-ends", case: "8", from: BORN, role: "client", on: ["PeerClose"], when: ["always"],
    to: [{ to: "TERMINATED", because: "$cause" }], does: ["forget"],
  },
  {
    id: "transport-lost", case: "1.2", from: UNSTABLE, role: "both", on: ["TransportLostTooLong"], when: ["always"],
    to: [{ to: "TERMINATED", because: "transport_lost_ttl_exceeded" }], does: ["close"],
  },
  {
    id: "degraded-too-long", case: "2.2", from: UNSTABLE, role: "both", on: ["DegradedTooLong"], when: ["always"],
    to: [{ to: "TERMINATED", because: "degraded_ttl_exceeded" }], does: ["close"],
  },
  {
    id: "no-such-clock", case: "order", from: ["ATTACHED"], role: "both", on: ["TransportLostTooLong", "DegradedTooLong"], when: ["always"],
    to: [], does: ["diagnose"], refuses: "invalid_transition",
  },
  {
    id: "superseded", case: "isolation", from: LIVE, role: "gateway", on: ["Superseded"], when: ["always"],
    to: [{ to: "TERMINATED", because: "superseded" }], does: ["close"],
  },
  {
    id: "clone-detected", case: "4", from: LIVE, role: "gateway", on: ["CloneDetected"], when: ["always"], to: [], does: ["alarm"],
  },
  {
    id: "ownership-moved", case: "isolation", from: LIVE, role: "gateway", on: ["OwnershipMoved"], when: ["always"],
    to: [{ to: "TERMINATED", because: "ownership_moved" }], does: ["release", "forget"],
  },
  {
    id: "gateways-only", case: "order", from: LIVE, role: "client", on: ["Superseded", "CloneDetected", "OwnershipMoved"], when: ["always"],
    to: [], does: ["diagnose"], refuses: "invalid_transition",
  },
  {
    id: "keys-lost", case: "isolation", from: LIVE, role: "both", on: ["KeysLost"], when: ["always"],
    to: [{ to: "TERMINATED", because: "$cause" }], does: ["forget"],
  },
  {
    id: "forged-beyond-budget", case: "4", from: BORN, role: "both", on: ["ValidationFailed"], when: ["exhausted"],
    to: [{ to: "TERMINATED", because: "security_failure" }], does: ["close"],
  },
  {
    id: "forged-nobody-to-blame", case: "4", from: BORN, role: "both", on: ["ValidationFailed"], when: ["unattributable"], to: [], does: [],
  },
  {
    id: "forged", case: "4", from: ["ATTACHED", "VOLATILE", "DEGRADED"], role: "both", on: ["ValidationFailed"], when: ["tolerated"], to: [], does: [],
  },
  { id: "policy", case: "isolation", from: LIVE, role: "both", on: ["PolicyInvalid", "PolicyUpdated"], when: ["always"], to: [], does: [] },
  { id: "time-passes", case: "life", from: LIVE, role: "both", on: ["Tick"], when: ["always"], to: [], does: [] },
  {
    id: "gateway-asks-client", case: "7", from: BORN, role: "gateway", on: ["SwitchRequested"], when: ["allowed"],
    to: [], does: ["request_switch"],
  },
  {
    id: "born-once", case: "order", from: BORN, role: "both", on: ["HandshakeConfirmed", "BirthTimedOut"], when: "any",
    to: [], does: ["diagnose"], refuses: "invalid_transition",
  },
  {
    id: "no-attempt-to-prove", case: "4", from: ["ATTACHED", "VOLATILE", "DEGRADED"], role: "client", on: ["AttachValidated"], when: "any",
    to: [], does: ["diagnose"], refuses: "stale_attempt",
  },
  {
    id: "old-proof", case: "4", from: BORN, role: "gateway", on: ["AttachValidated"], when: ["stale"],
    to: [], does: ["diagnose"], refuses: "stale_attempt",
  },
  {
    id: "no-attempt-to-answer", case: "order", from: ["ATTACHED", "VOLATILE", "DEGRADED"], role: "client", on: ["PeerDenied", "TargetFailed"],
    when: "any", to: [], does: ["diagnose"], refuses: "stale_attempt",
  },
  {
    id: "clients-only", case: "order", from: BORN, role: "gateway", on: ["PeerDenied", "TargetFailed"], when: "any",
    to: [], does: ["diagnose"], refuses: "invalid_transition",
  },
  {
    id: "no-attempt-to-time-out", case: "order", from: ["ATTACHED", "VOLATILE", "DEGRADED"], role: "both", on: ["AttemptTimedOut"], when: ["always"],
    to: [], does: ["diagnose"], refuses: "invalid_transition",
  },
  {
    id: "not-volatile", case: "order", from: ["ATTACHED", "DEGRADED", "RECOVERING"], role: "both", on: ["VolatilePersisted"], when: ["always"],
    to: [], does: ["diagnose"], refuses: "invalid_transition",
  },
  {
    id: "corrupt", case: "isolation", from: LIVE, role: "both", on: ["IntegrityBroken"], when: ["always"],
    to: [{ to: "TERMINATED", because: "state_corruption" }], does: ["diagnose", "close"], refuses: "state_corruption",
  },
] as const satisfies readonly Row[];
