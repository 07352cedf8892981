import { type Policy, policyFor } from "#domains/policy/model";
import { birth } from "#domains/session/model";
import type { Assignment } from "#kernel/contract/engine.generated";
import type { Reason } from "#kernel/contract/reason";
import type { SecurityKind } from "#kernel/contract/security-kind";
import type { SessionHandle } from "#kernel/contract/state";
import type { StoreOutcome, StoreToken } from "../contract.ts";
import { command, emit, emitFor } from "../emit.ts";
import { guarded } from "../fence/guard.ts";
import { holdsAuthority } from "../session/context.ts";
import { observe } from "../session/observe.ts";
import { pathLabel } from "../session/path-label.ts";
import { dispatch, endCorrupt } from "../session/sessions.ts";
import { type Turn, touch } from "../turn.ts";
import { type Admission, type Entry, freshEntry, sendingNumbers } from "../world.ts";
import { tellStanding } from "./clients.ts";

type Evidence = Admission["evidence"];

/**
 * A client proved that it has its key. The session waits in BIRTH for its addresses. If another session of the same key
 * is live, that one is challenged first: if it is silent, the new session supersedes it; if it answers, the new one is
 * a clone. Then the new session is accepted, or refused with a reason.
 */
export function confirmed(turn: Turn, evidence: Evidence): void {
  const { world } = turn;
  if (world.sessions.has(evidence.session)) return;
  const { current } = world.policy;
  if (current === null || world.sessions.full) {
    refuseUnborn(turn, evidence, current === null ? "policy_invalid" : "resource_exhausted");
    return;
  }
  const client = world.gateway.clients.get(evidence.clientKey);
  const entry = born(turn, evidence, client?.name ?? evidence.clientKey, policyFor(current, client?.group ?? null));
  const refusal = refusalNow(turn, entry);
  if (refusal === null) askStore(turn, entry, evidence);
  else decide(turn, entry, refusal);
}

/** The store answered for a session, which may have ended meanwhile. Only `done` counts as success. */
export function storeAnswered(turn: Turn, token: StoreToken, outcome: StoreOutcome): void {
  const { requests } = turn.world.gateway;
  const entry = turn.world.sessions.get(requests.get(token) ?? 0);
  requests.delete(token);
  if (entry?.admission?.request !== token) {
    emit(turn, { type: "Diagnostic", reason: "store_answer_late", numbers: { token, outcome: outcome.is } });
    return;
  }
  entry.admission = { ...entry.admission, request: null };
  if (outcome.is !== "done") {
    decide(turn, entry, outcome.is === "refused" ? outcome.reason : "store_outcome_unknown");
    return;
  }
  entry.assignment = sized(outcome.assignment, entry.policy);
  const refusal = refusalNow(turn, entry);
  const old = liveOf(turn, entry.peer.key);
  if (refusal !== null || old === null) decide(turn, entry, refusal);
  else challenge(turn, old, entry);
}

/** The result of a challenge: whether the old session answered. */
export function challengeResult(turn: Turn, old: Entry, answered: boolean): void {
  const waiter = takeWaiter(turn, old.session.handle);
  if (waiter === null) return;
  if (answered) {
    dispatch(turn, old, { type: "CloneDetected" });
    decide(turn, waiter, "session_cloned");
    return;
  }
  dispatch(turn, old, { type: "Superseded" });
  decide(turn, waiter, refusalNow(turn, waiter));
}

/** After the end of a gateway's session: frees its key and decides on the session that waited for it. */
export function gatewaySessionEnded(turn: Turn, entry: Entry): void {
  const { gateway } = turn.world;
  const { session, peer, admission } = entry;
  if (gateway.byKey.get(peer.key) === session.handle) {
    gateway.byKey.delete(peer.key);
    if (session.state === "TERMINATED") tellStanding(turn, entry, session.reason);
  }
  const challenged = admission?.waitsFor ?? null;
  if (challenged !== null && gateway.waiting.get(challenged) === session.handle) gateway.waiting.delete(challenged);
  if (admission?.request != null) gateway.requests.delete(admission.request);
  const waiter = takeWaiter(turn, session.handle);
  if (waiter !== null) decide(turn, waiter, refusalNow(turn, waiter));
}

/** Refuses a session without an entry in the table: there is no policy for it, or the table is full. */
function refuseUnborn(turn: Turn, { session, sessionId }: Evidence, reason: Reason): void {
  command(turn, { type: "RefuseSession", session, reason });
  const numbers = { kind: "session_refused" satisfies SecurityKind };
  emit(turn, { type: "SecurityEvent", session: sessionId, reason, numbers });
}

function born(turn: Turn, evidence: Evidence, name: string, policy: Policy): Entry {
  const { session, sessionId, clientKey, path, description } = evidence;
  const { remote } = description;
  const predecessor = liveOf(turn, clientKey)?.session.id ?? null;
  const sending = evidence.redundant ? "redundant" : "failover";
  const newborn = birth(sessionId, session, "gateway", turn.now);
  const entry = freshEntry(newborn, policy, { name, key: clientKey }, predecessor, sending);
  entry.admission = { evidence, request: null, waitsFor: null };
  turn.world.sessions.set(session, entry);
  touch(turn, entry);
  const numbers = { predecessor, client: name, remote, ...sendingNumbers(entry) };
  emitFor(turn, entry, { type: "SessionCreated", numbers });
  const label = pathLabel(description);
  observe(turn, entry, { type: "Added", path, label, ifname: "", priority: "primary", metered: false, remote });
  observe(turn, entry, { type: "Validated", path, rttUs: 0 });
  return entry;
}

function askStore(turn: Turn, entry: Entry, evidence: Evidence): void {
  const { gateway } = turn.world;
  const token = gateway.nextToken++;
  entry.admission = { evidence, request: token, waitsFor: null };
  gateway.requests.set(token, entry.session.handle);
  turn.effects.push({ type: "Store", token, operation: { type: "Lease", key: entry.peer.key } });
}

/** The smaller of tunnel MTU and policy MTU wins. */
function sized(assignment: Assignment, policy: Policy): Assignment {
  return { ...assignment, mtu: Math.min(assignment.mtu, policy.mtu) };
}

function decide(turn: Turn, entry: Entry, refusal: Reason | null): void {
  const { world } = turn;
  const { session, admission } = entry;
  const proof =
    admission === null
      ? null
      : guarded(turn, "security", () => world.domains.security.mintHandshakeProof(admission.evidence, turn.now), null);
  if (proof === null || "stale" in proof) {
    endCorrupt(turn, entry, "there is no proof of its handshake");
    return;
  }
  dispatch(turn, entry, { type: "HandshakeConfirmed", proof, refusal });
  if (entry.session.state !== "ATTACHED") return;
  entry.admission = null;
  world.gateway.byKey.set(entry.peer.key, session.handle);
  tellStanding(turn, entry, null);
}

/** If a session of the same key already waits, it is refused, and the newest one waits in its place. */
function challenge(turn: Turn, old: Entry, entry: Entry): void {
  const before = takeWaiter(turn, old.session.handle);
  turn.world.gateway.waiting.set(old.session.handle, entry.session.handle);
  if (entry.admission !== null) entry.admission = { ...entry.admission, waitsFor: old.session.handle };
  if (before === null) command(turn, { type: "ChallengeSession", session: old.session.handle });
  else decide(turn, before, "superseded");
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

/** Why the session is refused; `null` = accepted. Checked at the decision, which may follow the confirmation later. */
function refusalNow(turn: Turn, entry: Entry): Reason | null {
  if (entry.transport.paths[0]?.health.is !== "alive") return "target_unusable";
  if (!turn.world.gateway.clients.has(entry.peer.key)) return "policy_denied";
  if (!turn.world.policy.valid) return "policy_invalid";
  return holdsAuthority(turn) ? null : "authority_unreachable";
}
