/** The six states of the mission's life cycle. */
export const STATES = ["BIRTH", "ATTACHED", "VOLATILE", "DEGRADED", "RECOVERING", "TERMINATED"] as const;
export type StateName = (typeof STATES)[number];
export const LIVE_STATES: readonly StateName[] = STATES.filter((state) => state !== "TERMINATED");

export type Role = "client" | "gateway";

/** Printable session id, `s-XXXX-XXXX…`: the identity of a session, which never changes. */
export type SessionId = string;
/** The engine's handle of a session in this process. Never reused. */
export type SessionHandle = number;
/** Chosen by the client, equal on both ends, never reused within a session. */
export type PathId = number;
