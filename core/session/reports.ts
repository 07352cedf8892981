import type { SecurityFinding, SecurityInput } from "#domains/security/model";
import { activeOf } from "#domains/session/model";
import type { PathStats, Report, Sender } from "#kernel/contract/engine.generated";
import { type Reason, reasonOf } from "#kernel/contract/reason";
import { emit, emitFor } from "../emit.ts";
import { guarded } from "../fence/guard.ts";
import { type Turn, touch } from "../turn.ts";
import { type Entry, labelOf, type World } from "../world.ts";
import { mayRecover } from "./context.ts";
import { observe } from "./observe.ts";
import { dispatch } from "./sessions.ts";

/** A report about an event, not about a refused command or a fault of the engine. */
export type Observation = Exclude<Report, { type: "Refused" | "SessionFaulted" }>;

/** The session of a report; `undefined` if it is gone. A late report has no effect. */
export function entryOf(world: World, session: number): Entry | undefined {
  return world.sessions.get(session);
}

/** A reason received from the peer; `otherwise` if this version does not know it. The event's numbers keep the text. */
export function heardReason(text: string, otherwise: Reason): Reason {
  return reasonOf(text) ?? otherwise;
}

/** Handles reports about a path that are equal in both roles. False for all other reports. */
export function pathReport(turn: Turn, report: Observation): boolean {
  switch (report.type) {
    case "PathSuspected":
    case "PathCleared": {
      const entry = entryOf(turn.world, report.session);
      if (entry === undefined) return true;
      const suspected = report.type === "PathSuspected";
      observe(turn, entry, { type: suspected ? "Suspected" : "Cleared", path: report.path });
      const limit = suspected ? { limitMs: report.limitUs / 1_000 } : {};
      const numbers = { silentMs: report.silentUs / 1_000, ...limit };
      const label = labelOf(entry, report.path);
      emitFor(turn, entry, { type: report.type, transport: { old: label, new: label }, numbers });
      return true;
    }
    case "PathSilent": {
      const entry = entryOf(turn.world, report.session);
      if (entry === undefined) return true;
      const { path, silentUs, limitUs, evidence } = report;
      observe(turn, entry, { type: "Silent", path, silentUs, limitUs, evidence });
      return true;
    }
    case "PathMtu": {
      const entry = entryOf(turn.world, report.session);
      if (entry === undefined) return true;
      const { path, mtu, blackHole } = report;
      const before = entry.transport.paths.find(({ id }) => id === path)?.mtu ?? null;
      observe(turn, entry, { type: "Sized", path, mtu });
      const label = labelOf(entry, path);
      const numbers = { mtu, before, blackHole };
      emitFor(turn, entry, { type: "PathMtu", transport: { old: label, new: label }, numbers });
      return true;
    }
    case "PathAlive": {
      const entry = entryOf(turn.world, report.session);
      if (entry !== undefined) observe(turn, entry, { type: "Alive", path: report.path, rttUs: report.rttUs });
      return true;
    }
    case "Stats":
      for (const [session, stats] of bySession(report.paths)) {
        const entry = entryOf(turn.world, session);
        if (entry !== undefined) observe(turn, entry, { type: "Measured", stats });
      }
      return true;
    default:
      return false;
  }
}

/** Handles reports on proofs, keys, drops and the peer's close that are equal in both roles. False for all others. */
export function sessionReport(turn: Turn, report: Observation): boolean {
  switch (report.type) {
    case "ValidationFailed":
    case "KeyRotated":
    case "KeyExpired":
    case "RekeyDenied": {
      const entry = entryOf(turn.world, report.session);
      if (entry !== undefined) judgeSecurity(turn, entry, report);
      return true;
    }
    case "Dropped":
      judgeDrop(turn, { type: "Dropped", kind: report.kind, count: report.count }, report.sender);
      return true;
    case "PeerClosed": {
      const entry = entryOf(turn.world, report.session);
      if (entry === undefined) return true;
      const numbers = { peerReason: report.reason };
      dispatch(turn, entry, { type: "PeerClose", reason: heardReason(report.reason, "peer_closed"), numbers });
      return true;
    }
    default:
      return false;
  }
}

function bySession(stats: readonly PathStats[]): ReadonlyMap<number, readonly PathStats[]> {
  const found = new Map<number, PathStats[]>();
  for (const one of stats) {
    const known = found.get(one.session);
    if (known === undefined) found.set(one.session, [one]);
    else known.push(one);
  }
  return found;
}

type SecurityReport = Extract<Report, { type: "ValidationFailed" | "KeyRotated" | "KeyExpired" | "RekeyDenied" }>;

function judgeSecurity(turn: Turn, entry: Entry, report: SecurityReport): void {
  const { security } = turn.world.domains;
  const judged = guarded(turn, "security", () => security.step(entry.security, report, entry.policy, turn.now), null);
  if (judged !== null) {
    entry.security = judged.next;
    for (const finding of judged.findings) securityFinding(turn, entry, finding);
  }
  if (report.type === "KeyRotated") renewed(turn, entry);
  if (report.type === "KeyExpired") entry.keys = { ...entry.keys, expired: true };
  touch(turn, entry);
  if (report.type === "ValidationFailed" && !report.attributable)
    dispatch(turn, entry, { type: "ValidationFailed", attributable: false, exhausted: false, numbers: { kind: report.kind } });
}

/** A session that was unstable because its keys had expired proves itself anew on the same path. */
function renewed(turn: Turn, entry: Entry): void {
  const { expired } = entry.keys;
  entry.keys = { agreedAt: turn.now, expired: false };
  const active = activeOf(entry.session);
  if (!expired || active === null) return;
  dispatch(turn, entry, { type: "StabilityRestored", path: active, verdict: mayRecover(turn, entry, "revalidate") });
}

function securityFinding(turn: Turn, entry: Entry, finding: SecurityFinding): void {
  switch (finding.type) {
    case "SecurityEvent": {
      const { kind, attributable, count } = finding;
      emitFor(turn, entry, { type: "SecurityEvent", actor: "engine", numbers: { kind, attributable, count } });
      return;
    }
    case "Failure": {
      const { kind, used, max, exceeded } = finding;
      dispatch(turn, entry, { type: "ValidationFailed", attributable: true, exhausted: exceeded, numbers: { kind, used, max } });
      return;
    }
    case "KeyChanged": {
      const { event, epoch, trigger } = finding;
      emitFor(turn, entry, { type: event, actor: "engine", numbers: { epoch, trigger } });
      return;
    }
  }
}

/**
 * Drops that belong to no session. They are counted and recorded for the node and affect no session. The record names
 * the newest sender; its address can be invented.
 */
function judgeDrop(turn: Turn, input: SecurityInput, sender: Sender | null): void {
  const { world } = turn;
  const policy = world.policy.current?.base ?? { security: { validationFailBudget: 0 } };
  const judged = guarded(turn, "security", () => world.domains.security.step(world.security, input, policy, turn.now), null);
  if (judged === null) return;
  world.security = judged.next;
  for (const finding of judged.findings) {
    if (finding.type === "TrafficDropped") {
      const { kind, count } = finding;
      emit(turn, { type: "Diagnostic", actor: "engine", numbers: { kind, count } });
    }
    if (finding.type !== "SecurityEvent") continue;
    const { kind, attributable, count } = finding;
    const from = sender === null ? {} : { remote: sender.remote, ...(sender.key === null ? {} : { key: sender.key }) };
    emit(turn, { type: "SecurityEvent", actor: "engine", numbers: { kind, attributable, count, ...from } });
  }
}
