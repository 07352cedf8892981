import type { ClusterEvent, ClusterFinding } from "#domains/cluster/model";
import type { SessionId } from "#kernel/contract/state";
import { SECOND } from "#kernel/time";
import { emit } from "../emit.ts";
import { isolated } from "../fence/faulted.ts";
import { guarded } from "../fence/guard.ts";
import { dispatch } from "../session/sessions.ts";
import type { Turn } from "../turn.ts";
import type { Entry } from "../world.ts";

/** Key of the authority's deadline. Negative, because sessions' deadlines have positive handles as keys. */
export const AUTHORITY_KEY = -2;

/** Judges an event about this node's authority and passes every finding to the sessions that it concerns. */
export function authority(turn: Turn, event: ClusterEvent): void {
  const { world } = turn;
  // Where the domain fails, the deadline is judged again soon: it must not be lost with the event.
  const again = turn.now + SECOND;
  const judged = guarded(turn, "cluster", () => world.domains.cluster.step(world.authority, event, turn.now), null);
  if (judged === null) {
    world.deadlines.set(AUTHORITY_KEY, again);
    return;
  }
  world.authority = judged.next;
  const deadline = guarded(turn, "cluster", () => world.domains.cluster.deadlineOf(judged.next), again);
  world.deadlines.set(AUTHORITY_KEY, deadline);
  const byId = sessionsById(turn, judged.findings);
  for (const finding of judged.findings) route(turn, finding, byId);
}

function route(turn: Turn, finding: ClusterFinding, byId: ReadonlyMap<SessionId, Entry>): void {
  switch (finding.type) {
    case "AuthorityLost": {
      const { epoch, reason } = finding;
      emit(turn, { type: "AuthorityLost", reason: "authority_lost", numbers: { epoch, why: reason } });
      dispatchAll(turn, "AuthorityLost");
      return;
    }
    case "AuthorityRegained": {
      const numbers = { epoch: finding.epoch };
      emit(turn, { type: "AuthorityRegained", reason: "authority_regained", numbers });
      dispatchAll(turn, "AuthorityRegained");
      return;
    }
    case "OwnershipMoved": {
      const { session, epoch } = finding;
      const reason = "ownership_moved";
      emit(turn, { type: "OwnershipMoved", session, reason, numbers: { epoch } });
      const entry = byId.get(session);
      if (entry !== undefined) dispatch(turn, entry, { type: "OwnershipMoved", epoch });
      return;
    }
    case "Release": {
      const entry = byId.get(finding.session);
      if (entry !== undefined) dispatch(turn, entry, { type: "OwnershipMoved", epoch: null });
      return;
    }
    case "DiscardClaim":
      diagnose(turn, { claim: "older than the session's record", session: finding.session, claimant: finding.claimant });
      return;
    case "Rejected":
      diagnose(turn, { rejected: finding.why });
      return;
  }
}

function diagnose(turn: Turn, numbers: Readonly<Record<string, string>>): void {
  emit(turn, { type: "Diagnostic", numbers });
}

function dispatchAll(turn: Turn, type: "AuthorityLost" | "AuthorityRegained"): void {
  for (const entry of [...turn.world.sessions.values()]) isolated(turn, entry, type, () => dispatch(turn, entry, { type }));
}

/** Built only if a finding names a session, because building it visits all sessions. */
function sessionsById(turn: Turn, findings: readonly ClusterFinding[]): ReadonlyMap<SessionId, Entry> {
  const named = new Set(findings.flatMap((finding) => ("session" in finding ? [finding.session] : [])));
  if (named.size === 0) return new Map();
  const entries = [...turn.world.sessions.values()].filter(({ session }) => named.has(session.id));
  return new Map(entries.map((entry) => [entry.session.id, entry]));
}
