import type { Report } from "#kernel/contract/engine.generated";
import type { Proof } from "#kernel/contract/proof";
import type { Reason } from "#kernel/contract/reason";
import { ALLOWED } from "#kernel/contract/verdict";
import { command, emitFor } from "../emit.ts";
import { guarded } from "../fence/guard.ts";
import { isStable } from "../session/context.ts";
import { observe } from "../session/observe.ts";
import { entryOf, heardReason, type Observation } from "../session/reports.ts";
import { dispatch } from "../session/sessions.ts";
import { requestSwitch } from "../session/switching.ts";
import { denyWish } from "../session/wish.ts";
import { type Turn, touch } from "../turn.ts";
import { type Entry, labelOf } from "../world.ts";
import { handshakeDone, handshakeRefused } from "./answer.ts";
import { addPath, candidateAnswered, candidateUnanswered } from "./candidates.ts";
import { dialAlso, dialUnanswered, hinted } from "./dial.ts";
import { pathFailed, syncPaths } from "./paths.ts";

/** Handles the reports that only a client gets. `entry` is its current session. */
export function clientReport(turn: Turn, report: Observation, entry: Entry | null): void {
  const { client } = turn.world;
  switch (report.type) {
    case "Links":
      client.links = report.links;
      syncPaths(turn, entry);
      return;
    case "PathOpened":
      pathOpened(turn, report.path, entry);
      return;
    case "PathError":
      pathError(turn, report.path, report.errno, entry);
      return;
    case "HandshakeDone":
      handshakeDone(turn, report, entry);
      return;
    case "HandshakeRefused":
      handshakeRefused(turn, report, entry);
      return;
    case "HandshakeUnanswered":
      dialUnanswered(turn, report.dial);
      return;
    default:
      if ("session" in report) aboutSession(turn, report);
  }
}

function aboutSession(turn: Turn, report: Extract<Observation, { session: number }>): void {
  const entry = entryOf(turn.world, report.session);
  if (entry === undefined) return;
  switch (report.type) {
    case "Assigned":
      entry.assignment = report.assignment;
      layTunnel(turn, entry);
      return;
    case "AttachValidated":
      attachValidated(turn, entry, report);
      return;
    case "AttachDenied": {
      const { bindSeq, retryAfterMs } = report;
      const reason = heardReason(report.reason, "policy_denied");
      if (entry.session.state === "RECOVERING" && entry.session.attempt === bindSeq) denyWish(turn, entry, reason, retryAfterMs);
      dispatch(turn, entry, { type: "PeerDenied", bindSeq, reason, retryAfterMs });
      return;
    }
    case "AttachUnanswered":
      dispatch(turn, entry, { type: "TargetFailed", path: report.path, bindSeq: report.bindSeq, reason: "target_unanswered" });
      return;
    case "SwitchRequested":
      askedByPeer(turn, entry, report.path, report.reason);
      return;
    case "Hinted":
      hinted(turn, entry);
      touch(turn, entry);
      return;
    case "PathValidated": {
      candidateAnswered(entry, report.path);
      const rttMs = report.rttUs / 1_000;
      const transport = { old: null, new: labelOf(entry, report.path) };
      observe(turn, entry, { type: "Validated", path: report.path, rttUs: report.rttUs });
      emitFor(turn, entry, { type: "PathValidated", transport, numbers: { rttMs } });
      return;
    }
    case "PathUnanswered":
      observe(turn, entry, { type: "Unanswered", path: report.path });
      candidateUnanswered(turn, entry, report.path);
      return;
    case "PathClosed": {
      const path = turn.world.client.paths.find(({ id }) => id === report.path);
      if (path !== undefined) pathFailed(turn, entry, path);
      return;
    }
    default:
      return;
  }
}

function pathOpened(turn: Turn, id: number, entry: Entry | null): void {
  const path = turn.world.client.paths.find((known) => known.id === id);
  if (path === undefined) return;
  path.socket = "open";
  path.failures = 0;
  path.retryAt = null;
  if (path.lost !== null) return;
  dialAlso(turn, path);
  if (entry !== null) addPath(turn, entry, path);
}

/** A path that never opened is opened again later. An open path is dead, and an answer to a probe brings it back. */
function pathError(turn: Turn, id: number, errno: string, entry: Entry | null): void {
  const path = turn.world.client.paths.find((known) => known.id === id);
  if (path === undefined) return;
  if (path.socket === "opening") pathFailed(turn, entry, path);
  else if (entry !== null) observe(turn, entry, { type: "SendError", path: id, errno });
}

function attachValidated(turn: Turn, entry: Entry, report: Extract<Report, { type: "AttachValidated" }>): void {
  const { security } = turn.world.domains;
  const { session } = entry;
  if (session.state === "BIRTH") {
    const minted = guarded(turn, "security", () => security.mintHandshakeProof(report, turn.now), null);
    if (minted === null || "stale" in minted) return;
    observe(turn, entry, { type: "Validated", path: report.path, rttUs: 0 });
    dispatch(turn, entry, { type: "HandshakeConfirmed", proof: minted, refusal: refusalNow(turn, entry, report.path) });
    layTunnel(turn, entry);
    return;
  }
  let proof: Proof | null = null;
  if (session.state === "RECOVERING") {
    const attempt = { by: "client", path: session.target, bindSeq: session.attempt } as const;
    const minted = guarded(turn, "security", () => security.mintAttachProof(attempt, report, turn.now), null);
    if (minted !== null && !("stale" in minted)) proof = minted;
  }
  dispatch(turn, entry, { type: "AttachValidated", path: report.path, bindSeq: report.bindSeq, proof, verdict: ALLOWED });
}

/**
 * Why the session is refused now; `null` = it is not. When the confirmation arrives, the policy may be invalid, or the
 * path may be lost, and its death would not be reported again.
 */
function refusalNow(turn: Turn, entry: Entry, path: number): Reason | null {
  if (!turn.world.policy.valid) return "policy_invalid";
  return entry.transport.paths.some(({ id, health }) => id === path && health.is === "alive") ? null : "target_unusable";
}

/**
 * The gateway requests a switch; the client decides. A request for the active path asks for a new proof on it. A
 * gateway calls every live path a candidate. A client that left ATTACHED because that path is unstable refuses, and its
 * clocks keep running. The gateway is told of every refusal.
 */
function askedByPeer(turn: Turn, entry: Entry, path: number, reason: string): void {
  const unfit = reason === "candidate_available" && entry.session.state !== "ATTACHED" && !isStable(entry, path);
  const unstable = { code: "target_unstable", retryAfterMs: null } as const;
  const refusal = unfit ? unstable : requestSwitch(turn, entry, path, { revalidates: true });
  if (refusal === null) return;
  const retryAfterMs = Math.ceil(refusal.retryAfterMs ?? 0);
  command(turn, { type: "DenySwitch", session: entry.session.handle, path, reason: refusal.code, retryAfterMs });
  const transport = { old: null, new: labelOf(entry, path) };
  emitFor(turn, entry, { type: "Diagnostic", actor: "peer", reason: refusal.code, transport, numbers: { asked: reason } });
}

/** Emits the tunnel's addresses once the session is confirmed, and only if they changed. */
function layTunnel(turn: Turn, entry: Entry): void {
  const { client } = turn.world;
  const { assignment, session } = entry;
  if (assignment === null || session.state === "BIRTH" || client.current !== session.handle) return;
  if (JSON.stringify(client.tunnel) === JSON.stringify(assignment)) return;
  client.tunnel = assignment;
  turn.effects.push({ type: "Tunnel", assignment });
}
