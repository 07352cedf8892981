import { policyFor } from "#domains/policy/model";
import { birth } from "#domains/session/model";
import type { Report } from "#kernel/contract/engine.generated";
import type { Reason } from "#kernel/contract/reason";
import type { SecurityKind } from "#kernel/contract/security-kind";
import type { SessionHandle } from "#kernel/contract/state";
import { holdsAuthority } from "../context.ts";
import type { Lease } from "../contract.ts";
import { command, emit, emitFor } from "../emit.ts";
import { guarded } from "../guard.ts";
import { observe } from "../observe.ts";
import { pathLabel } from "../path-label.ts";
import { tell } from "../sessions.ts";
import { type Turn, touch } from "../turn.ts";
import { type Entry, freshEntry, sendingNumbers } from "../world.ts";

type Confirmed = Extract<Report, { type: "HandshakeConfirmed" }>;

/**
 * A client proved that it holds its key. It is taken, refused with a reason, or, while another session of the same key lives,
 * it waits until that one was challenged: silent = superseded, answering = cloned.
 */
export function confirmed(turn: Turn, report: Confirmed, lease: Lease): void {
  const { world } = turn;
  if (world.sessions.has(report.session)) return;
  const { current } = world.policy;
  const client = world.gateway.clients.get(report.clientKey);
  if (current === null || world.sessions.full) {
    const reason = current === null ? "policy_invalid" : "resource_exhausted";
    command(turn, { type: "RefuseSession", session: report.session, reason });
    emit(turn, {
      type: "SecurityEvent",
      class: "security",
      session: report.sessionId,
      reason,
      numbers: { kind: "session_refused" satisfies SecurityKind },
    });
    return;
  }
  const old = liveOf(turn, report.clientKey);
  const born = birth(report.sessionId, report.session, "gateway", turn.now);
  const peer = { name: client?.name ?? report.clientKey, key: report.clientKey };
  const policy = policyFor(current, client?.group ?? null);
  const sending = report.redundant ? "redundant" : "failover";
  const entry = freshEntry(born, policy, peer, old?.session.id ?? null, sending);
  entry.assignment = lease.ok ? lease.assignment : null;
  world.sessions.set(report.session, entry);
  touch(turn, entry);
  const { path, description } = report;
  const { remote } = description;
  const numbers = { predecessor: entry.predecessor, client: peer.name, remote, ...sendingNumbers(entry) };
  emitFor(turn, entry, { type: "SessionCreated", class: "transition", numbers });
  observe(turn, entry, {
    type: "Added",
    path,
    label: pathLabel(description),
    ifname: "",
    priority: "primary",
    metered: false,
    remote,
  });
  observe(turn, entry, { type: "Validated", path, rttUs: 0 });
  const refusal = refusalNow(turn, entry) ?? (lease.ok ? null : lease.reason);
  if (refusal !== null || old === null) decide(turn, entry, path, refusal);
  else challenge(turn, old, entry);
}

/** The old session answered, or it did not. */
export function challengeResult(turn: Turn, old: Entry, answered: boolean): void {
  const waiter = takeWaiter(turn, old.session.handle);
  if (waiter === null) return;
  if (answered) {
    tell(turn, old, { type: "CloneDetected" });
    decide(turn, waiter, firstPath(waiter), "session_cloned");
    return;
  }
  tell(turn, old, { type: "Superseded" });
  decide(turn, waiter, firstPath(waiter), refusalNow(turn, waiter));
}

/** What follows the end of a gateway's session: whoever waited for it comes in, and its key is free. */
export function gatewaySessionEnded(turn: Turn, { session, peer }: Entry): void {
  const { gateway } = turn.world;
  if (gateway.byKey.get(peer.key) === session.handle) gateway.byKey.delete(peer.key);
  for (const [old, waiter] of gateway.waiting) if (waiter === session.handle) gateway.waiting.delete(old);
  const waiter = takeWaiter(turn, session.handle);
  if (waiter !== null) decide(turn, waiter, firstPath(waiter), refusalNow(turn, waiter));
}

function decide(turn: Turn, entry: Entry, path: number, refusal: Reason | null): void {
  const { world } = turn;
  const { session } = entry;
  const report = { type: "HandshakeConfirmed", path } as const;
  const proof = guarded(turn, "security", () => world.domains.security.mintHandshakeProof(report, turn.now), null);
  if (proof === null || "stale" in proof) {
    command(turn, { type: "RefuseSession", session: session.handle, reason: "reattach_validation_failed" });
    world.sessions.delete(session.handle);
    return;
  }
  tell(turn, entry, { type: "HandshakeConfirmed", proof, refusal });
  if (entry.session.state === "ATTACHED") world.gateway.byKey.set(entry.peer.key, session.handle);
}

/** Three of one key: the newest waits, the one that waited is refused. */
function challenge(turn: Turn, old: Entry, entry: Entry): void {
  const before = takeWaiter(turn, old.session.handle);
  turn.world.gateway.waiting.set(old.session.handle, entry.session.handle);
  if (before === null) command(turn, { type: "ChallengeSession", session: old.session.handle });
  else decide(turn, before, firstPath(before), "superseded");
}

function takeWaiter(turn: Turn, old: SessionHandle): Entry | null {
  const { gateway, sessions } = turn.world;
  const handle = gateway.waiting.get(old);
  gateway.waiting.delete(old);
  const waiter = handle === undefined ? undefined : sessions.get(handle);
  return waiter === undefined || waiter.session.state !== "BIRTH" ? null : waiter;
}

function liveOf(turn: Turn, key: string): Entry | null {
  const handle = turn.world.gateway.byKey.get(key);
  const entry = handle === undefined ? undefined : turn.world.sessions.get(handle);
  return entry === undefined || entry.session.state === "TERMINATED" ? null : entry;
}

/** Asked when a session is decided on, which may be later than it was confirmed. */
function refusalNow(turn: Turn, entry: Entry): Reason | null {
  if (entry.transport.paths[0]?.health.is !== "alive") return "target_unusable";
  if (!turn.world.gateway.clients.has(entry.peer.key)) return "policy_denied";
  if (!turn.world.policy.valid) return "policy_invalid";
  return holdsAuthority(turn) ? null : "authority_unreachable";
}

function firstPath(entry: Entry): number {
  return entry.transport.paths[0]?.id ?? 0;
}
