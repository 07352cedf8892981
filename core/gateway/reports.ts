import { activeOf, lastActiveOf } from "#domains/session/model";
import type { PathDescription, Report } from "#kernel/contract/engine.generated";
import type { Verdict } from "#kernel/contract/verdict";
import { emitFor } from "../emit.ts";
import { guarded } from "../fence/guard.ts";
import { mayRecover } from "../session/context.ts";
import { observe } from "../session/observe.ts";
import { pathLabel } from "../session/path-label.ts";
import { entryOf, heardReason, type Observation } from "../session/reports.ts";
import { dispatch } from "../session/sessions.ts";
import { denyWish } from "../session/wish.ts";
import type { Turn } from "../turn.ts";
import { type Entry, labelOf } from "../world.ts";
import { challengeResult, confirmed } from "./admission.ts";

/** Handles the reports that only a gateway gets. */
export function gatewayReport(turn: Turn, report: Observation): void {
  if (report.type === "HandshakeConfirmed") {
    confirmed(turn, report);
    return;
  }
  if (!("session" in report)) return;
  const entry = entryOf(turn.world, report.session);
  if (entry === undefined) return;
  switch (report.type) {
    case "AttachRequested":
      attachRequested(turn, entry, report);
      return;
    case "ActivationsDenied": {
      // The engine has already answered the client. The denials are only recorded.
      const { path, reason, count } = report;
      const transport = { old: labelOf(entry, activeOf(entry.session)), new: labelOf(entry, path) };
      emitFor(turn, entry, {
        type: "TransportSwitchDenied",
        actor: "engine",
        reason,
        transport,
        numbers: { count, state: entry.session.state },
      });
      if (entry.wish?.to === path) denyWish(turn, entry, reason, 0);
      return;
    }
    case "SwitchDenied":
      wishDenied(turn, entry, report);
      return;
    case "ChallengeResult":
      challengeResult(turn, entry, report.answered);
      return;
    case "PathValidated": {
      const label = know(turn, entry, report.path, report.description);
      observe(turn, entry, { type: "Validated", path: report.path, rttUs: report.rttUs });
      const numbers = { rttMs: report.rttUs / 1_000 };
      emitFor(turn, entry, { type: "PathValidated", transport: { old: null, new: label }, numbers });
      return;
    }
    case "PathRebound":
      rebound(turn, entry, report);
      return;
    case "PathUnanswered":
      observe(turn, entry, { type: "Unanswered", path: report.path });
      return;
    case "PathClosed":
      observe(turn, entry, { type: "Closed", path: report.path });
      observe(turn, entry, { type: "Removed", path: report.path });
      return;
    default:
      return;
  }
}

/** The client proved itself on a path. The gateway checks the policy and the order of bind seqs, then follows it. */
function attachRequested(turn: Turn, entry: Entry, report: Extract<Report, { type: "AttachRequested" }>): void {
  const { path, bindSeq } = report;
  know(turn, entry, path, report.description);
  observe(turn, entry, { type: "Alive", path, rttUs: 0 });
  observe(turn, entry, { type: "Validated", path, rttUs: 0 });
  const { security } = turn.world.domains;
  const attempt = { by: "gateway", boundSeq: entry.session.bindSeq } as const;
  const minted = guarded(turn, "security", () => security.mintAttachProof(attempt, report, turn.now), null);
  const proof = minted === null || "stale" in minted ? null : minted;
  dispatch(turn, entry, { type: "AttachValidated", path, bindSeq, proof, verdict: verdictFor(turn, entry, path) });
}

/** The client does not follow a request. Its denial of an operator's is recorded; those of nudges are its own. */
function wishDenied(
  turn: Turn,
  entry: Entry,
  { path, reason: text, retryAfterMs }: Extract<Report, { type: "SwitchDenied" }>,
): void {
  if (entry.wish?.to !== path) return;
  const reason = heardReason(text, "policy_denied");
  const transport = { old: labelOf(entry, activeOf(entry.session)), new: labelOf(entry, path) };
  const numbers = { retryAfterMs, peerReason: text, state: entry.session.state };
  emitFor(turn, entry, { type: "TransportSwitchDenied", reason, transport, numbers });
  denyWish(turn, entry, reason, retryAfterMs, "client");
}

/** The client's address changed and the engine validated the change. The path gets a new label; this is no switch. */
function rebound(turn: Turn, entry: Entry, { path: id, description }: Extract<Report, { type: "PathRebound" }>): void {
  const path = entry.transport.paths.find((known) => known.id === id);
  if (path === undefined) return;
  const { ifname, priority, metered, label: old } = path;
  const { remote } = description;
  const label = pathLabel(description);
  observe(turn, entry, { type: "Added", path: id, label, ifname, priority, metered, remote });
  emitFor(turn, entry, { type: "PathRebound", transport: { old, new: label }, numbers: { remote } });
}

/** The cooldown is not checked: only the client enforces it. Delay must not turn a permitted switch into a denial. */
function verdictFor(turn: Turn, entry: Entry, path: number): Verdict {
  return mayRecover(turn, entry, lastActiveOf(entry.session) === path ? "revalidate" : "emergency");
}

/** Adds a path to the session's transport domain unless it is known. Returns the label of this description. */
function know(turn: Turn, entry: Entry, path: number, description: PathDescription): string {
  const label = pathLabel(description);
  if (entry.transport.paths.some(({ id }) => id === path)) return label;
  const { remote } = description;
  observe(turn, entry, { type: "Added", path, label, ifname: "", priority: "primary", metered: false, remote });
  emitFor(turn, entry, { type: "PathAdded", transport: { old: null, new: label }, numbers: { remote } });
  return label;
}
