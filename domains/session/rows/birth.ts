import type { Row } from "../row.ts";

/** BIRTH: the handshake is done but not confirmed. Only the confirmation or an end leaves this state. */
// biome-ignore format: a row is read as one line of a table
export const BIRTH_ROWS = [
  {
    id: "birth-confirmed", case: "life", from: ["BIRTH"], role: "both", on: ["HandshakeConfirmed"], when: ["accepted"],
    to: [{ to: "ATTACHED", because: "handshake_confirmed" }], does: ["accept", "bind"],
  },
  {
    id: "birth-refused", case: "isolation", from: ["BIRTH"], role: "both", on: ["HandshakeConfirmed"], when: ["refused"],
    to: [{ to: "TERMINATED", because: "$cause" }], does: ["refuse"],
  },
  {
    id: "birth-denied-by-peer", case: "life", from: ["BIRTH"], role: "client", on: ["PeerDenied"], when: ["current"],
    to: [{ to: "TERMINATED", because: "$cause" }], does: ["forget"],
  },
  {
    id: "birth-closed-by-peer", case: "life", from: ["BIRTH"], role: "both", on: ["PeerClose"], when: ["always"],
    to: [{ to: "TERMINATED", because: "$cause" }], does: ["forget"],
  },
  {
    id: "birth-unanswered", case: "life", from: ["BIRTH"], role: "client", on: ["TargetFailed"], when: "any", to: [], does: ["confirm"],
  },
  {
    id: "birth-too-long", case: "life", from: ["BIRTH"], role: "both", on: ["BirthTimedOut"], when: ["always"],
    to: [{ to: "TERMINATED", because: "birth_timeout" }], does: ["refuse"],
  },
  {
    id: "birth-paths", case: "life", from: ["BIRTH"], role: "both",
    on: ["CandidateAvailable", "TransportDead", "ThresholdExceeded", "StabilityRestored", "ValidationFailed", "AuthorityLost", "AuthorityRegained"],
    when: "any", to: [], does: [],
  },
  {
    id: "birth-not-yet", case: "order", from: ["BIRTH"], role: "both",
    on: ["SwitchRequested", "AttachValidated", "AttemptTimedOut", "VolatilePersisted", "TransportLostTooLong", "DegradedTooLong"],
    when: "any", to: [], does: ["diagnose"], refuses: "invalid_transition",
  },
  {
    id: "birth-stale-denial", case: "order", from: ["BIRTH"], role: "client", on: ["PeerDenied"], when: ["stale"],
    to: [], does: ["diagnose"], refuses: "stale_attempt",
  },
  {
    id: "birth-not-at-the-gateway", case: "order", from: ["BIRTH"], role: "gateway", on: ["PeerDenied", "TargetFailed"], when: "any",
    to: [], does: ["diagnose"], refuses: "invalid_transition",
  },
] as const satisfies readonly Row[];
