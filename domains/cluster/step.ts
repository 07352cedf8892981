import type { Millis } from "#kernel/time";
import { AUTH_TTL_MS, type Authority, type Claim, type ClusterEvent, type ClusterFinding, type ClusterStep } from "./model.ts";
import { ruleFor } from "./table.ts";

type Heartbeat = Extract<ClusterEvent, { type: "HeartbeatCommitted" }>;

/** A single gateway whose process locks the store: perpetual authority in epoch 1, ended only by a fence or a join. */
export function solo(now: Millis): Authority {
  return { state: "held", epoch: 1, since: now, deadline: null };
}

/** True if this node may act for its sessions now. At the deadline itself it may not. */
export function holds(authority: Authority, now: Millis): boolean {
  return authority.state === "held" && (authority.deadline === null || now < authority.deadline);
}

/** When authority ends if no heartbeat is committed; `null` = it does not end by itself. */
export function deadlineOf(authority: Authority): Millis | null {
  return authority.state === "held" ? authority.deadline : null;
}

/**
 * Judges one event about this node's authority. Consistency before availability: without certain ownership there is
 * none. Expiry comes first, so that a late event is judged when authority is already lost.
 */
export function step(authority: Authority, event: ClusterEvent, now: Millis): ClusterStep {
  const expired = expire(authority, now);
  const judged = judge(expired.next, event, now);
  return { next: judged.next, findings: [...expired.findings, ...judged.findings] };
}

function judge(authority: Authority, event: ClusterEvent, now: Millis): ClusterStep {
  switch (ruleFor(authority.state, event.type)) {
    case "join":
      return event.type === "Joined" ? join(authority, event.epoch, now) : quiet(authority);
    case "renew":
      return event.type === "HeartbeatCommitted" ? renew(authority, event, now) : quiet(authority);
    case "fence":
      return fence(authority, now);
    case "move":
      return event.type === "Moved" ? move(authority, event) : quiet(authority);
    case "clock":
      return quiet(authority);
    case "reject":
      return { next: authority, findings: [{ type: "Rejected", why: "fenced" }] };
  }
}

/** A node of a cluster owns nothing before its first committed heartbeat. Its epochs must increase. */
function join(authority: Authority, epoch: number, now: Millis): ClusterStep {
  if (epoch <= authority.epoch) return { next: authority, findings: [{ type: "Rejected", why: "stale_epoch" }] };
  const next: Authority = { state: "lost", epoch, since: now };
  if (authority.state !== "held") return quiet(next);
  return { next, findings: [{ type: "AuthorityLost", epoch: authority.epoch, reason: "joined" }] };
}

/** Claims are answered before the deadline moves: a claimed session must stop before it is served longer. */
function renew(authority: Authority, { epoch, sentAt, claims }: Heartbeat, now: Millis): ClusterStep {
  // A reply to a heartbeat of an earlier membership says nothing about this one.
  if (epoch !== authority.epoch) return { next: authority, findings: [{ type: "Rejected", why: "stale_epoch" }] };
  if (sentAt > now) return { next: authority, findings: [{ type: "Rejected", why: "heartbeat_from_the_future" }] };
  const answered = claims.map(answer);
  if (authority.state === "held" && authority.deadline === null) return { next: authority, findings: answered };
  const held = authority.state === "held" ? authority.deadline : null;
  const deadline = Math.max(sentAt + AUTH_TTL_MS, held ?? 0);
  // The reply took longer than the authority that it gives, so it only answers the claims.
  if (deadline <= now) return { next: authority, findings: answered };
  const since = authority.state === "held" ? authority.since : now;
  const next: Authority = { state: "held", epoch: authority.epoch, since, deadline };
  const regained: readonly ClusterFinding[] =
    authority.state === "held" ? [] : [{ type: "AuthorityRegained", epoch: authority.epoch }];
  return { next, findings: [...answered, ...regained] };
}

function answer({ session, claimant, claimedRevision, heldRevision }: Claim): ClusterFinding {
  return { type: claimedRevision < heldRevision ? "DiscardClaim" : "Release", session, claimant };
}

function fence(authority: Authority, now: Millis): ClusterStep {
  const next: Authority = { state: "fenced", epoch: authority.epoch, since: now };
  if (authority.state !== "held") return quiet(next);
  return { next, findings: [{ type: "AuthorityLost", epoch: authority.epoch, reason: "fenced" }] };
}

/** Owner epochs strictly increase. An equal or lower one is a late message. */
function move(authority: Authority, event: Extract<ClusterEvent, { type: "Moved" }>): ClusterStep {
  if (event.epoch <= event.heldEpoch) return { next: authority, findings: [{ type: "Rejected", why: "stale_epoch" }] };
  return { next: authority, findings: [{ type: "OwnershipMoved", session: event.session, epoch: event.epoch }] };
}

function expire(authority: Authority, now: Millis): ClusterStep {
  if (authority.state !== "held" || holds(authority, now)) return quiet(authority);
  return {
    next: { state: "lost", epoch: authority.epoch, since: now },
    findings: [{ type: "AuthorityLost", epoch: authority.epoch, reason: "deadline_passed" }],
  };
}

function quiet(next: Authority): ClusterStep {
  return { next, findings: [] };
}
