import type { SessionId } from "#kernel/contract/state";
import type { Millis } from "#kernel/time";

/** How long one committed heartbeat carries authority, counted from before it was sent. */
export const AUTH_TTL_MS: Millis = 6_000;
/** What a claimant adds for clocks that run at different rates, on top of 1 %. */
const CLAIM_MARGIN_MS: Millis = 250;
/** From the reply of a claim until its claimant may take: AUTH_TTL·1.01 + 250 ms. */
export const CLAIM_WAIT_MS: Millis = Math.ceil((AUTH_TTL_MS * 101) / 100) + CLAIM_MARGIN_MS;

/**
 * This node's right to act for sessions. `deadline: null` = perpetual: the store is locked by this process alone.
 * A fence is for good: the process that was fenced never owns anything again.
 */
export type Authority =
  | { readonly state: "held"; readonly epoch: number; readonly since: Millis; readonly deadline: Millis | null }
  | { readonly state: "lost"; readonly epoch: number; readonly since: Millis }
  | { readonly state: "fenced"; readonly epoch: number; readonly since: Millis };

/** Another node's claim on a session of ours, as a heartbeat returned it. */
export interface Claim {
  readonly session: SessionId;
  readonly claimant: string;
  /** Revision of the session's record that the claim names, and the one that this node holds. */
  readonly claimedRevision: number;
  readonly heldRevision: number;
}

export type ClusterEvent =
  /** This process is one node of several from here on, under a new epoch. It owns nothing until its first committed heartbeat. */
  | { readonly type: "Joined"; readonly epoch: number }
  /** A heartbeat was committed. `sentAt` is read before sending; the reply's time proves nothing. */
  | { readonly type: "HeartbeatCommitted"; readonly sentAt: Millis; readonly claims: readonly Claim[] }
  /** No reply, an unknown outcome or an unreachable store: authority is not renewed. */
  | { readonly type: "HeartbeatFailed" }
  /** The store says that this incarnation is gone or that its heartbeat value is not ours. */
  | { readonly type: "Fenced" }
  /** Another node committed its ownership of a session that this node holds under `heldEpoch`. */
  | { readonly type: "Moved"; readonly session: SessionId; readonly epoch: number; readonly heldEpoch: number }
  | { readonly type: "Tick" };

export type ClusterFinding =
  | { readonly type: "AuthorityLost"; readonly epoch: number; readonly reason: "deadline_passed" | "fenced" | "joined" }
  | { readonly type: "AuthorityRegained"; readonly epoch: number }
  /** Stop the session in the engine, then commit its release. */
  | { readonly type: "Release"; readonly session: SessionId; readonly claimant: string }
  /** The claim names a record older than ours: delete it. */
  | { readonly type: "DiscardClaim"; readonly session: SessionId; readonly claimant: string }
  | { readonly type: "OwnershipMoved"; readonly session: SessionId; readonly epoch: number }
  /** An ownership epoch that does not rise, or a clock that ran backwards: told, and without effect. */
  | { readonly type: "Rejected"; readonly why: "stale_epoch" | "heartbeat_from_the_future" | "fenced" };

export interface ClusterStep {
  readonly next: Authority;
  readonly findings: readonly ClusterFinding[];
}
