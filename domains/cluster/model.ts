import type { SessionId } from "#kernel/contract/state";
import type { Millis } from "#kernel/time";

/** How long one committed heartbeat gives authority, counted from the time before it was sent. */
export const AUTH_TTL_MS: Millis = 6_000;
/** Margin that a claimant adds, besides 1 %, because clocks run at different rates. */
const CLAIM_MARGIN_MS: Millis = 250;
/** Time from the reply to a claim until the claimant may take the session: AUTH_TTL·1.01 + 250 ms. */
export const CLAIM_WAIT_MS: Millis = Math.ceil((AUTH_TTL_MS * 101) / 100) + CLAIM_MARGIN_MS;

/**
 * This node's authority over sessions. `deadline: null` = perpetual, because only this process has the store's lock.
 * A fence is final: a fenced process never owns a session again.
 */
export type Authority =
  | { readonly state: "held"; readonly epoch: number; readonly since: Millis; readonly deadline: Millis | null }
  | { readonly state: "lost"; readonly epoch: number; readonly since: Millis }
  | { readonly state: "fenced"; readonly epoch: number; readonly since: Millis };

/** Another node's claim on a session of ours, as a heartbeat returned it. */
export interface Claim {
  readonly session: SessionId;
  readonly claimant: string;
  /** Revisions of the session's record: the one that the claim names, and the one that this node has. */
  readonly claimedRevision: number;
  readonly heldRevision: number;
}

export type ClusterEvent =
  /** This process joins a cluster under a new epoch. It owns nothing until its first committed heartbeat. */
  | { readonly type: "Joined"; readonly epoch: number }
  /** A heartbeat was committed. `sentAt` is read before sending, because the time of the reply proves nothing. */
  | { readonly type: "HeartbeatCommitted"; readonly epoch: number; readonly sentAt: Millis; readonly claims: readonly Claim[] }
  /** No reply, an unknown outcome or an unreachable store: authority is not renewed. */
  | { readonly type: "HeartbeatFailed" }
  /** The store reports that this incarnation is gone or that its heartbeat value is not ours. */
  | { readonly type: "Fenced" }
  /** Another node committed its ownership of a session that this node has under `heldEpoch`. */
  | { readonly type: "Moved"; readonly session: SessionId; readonly epoch: number; readonly heldEpoch: number }
  | { readonly type: "Tick" };

export type ClusterFinding =
  | { readonly type: "AuthorityLost"; readonly epoch: number; readonly reason: "deadline_passed" | "fenced" | "joined" }
  | { readonly type: "AuthorityRegained"; readonly epoch: number }
  /** Stop the session in the engine, then commit its release. */
  | { readonly type: "Release"; readonly session: SessionId; readonly claimant: string }
  /** The claim names an older record than ours: delete the claim. */
  | { readonly type: "DiscardClaim"; readonly session: SessionId; readonly claimant: string }
  | { readonly type: "OwnershipMoved"; readonly session: SessionId; readonly epoch: number }
  /** An ownership epoch that does not increase, or a clock that ran backwards. It is recorded and has no effect. */
  | { readonly type: "Rejected"; readonly why: "stale_epoch" | "heartbeat_from_the_future" | "fenced" };

export interface ClusterStep {
  readonly next: Authority;
  readonly findings: readonly ClusterFinding[];
}
