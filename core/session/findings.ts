import type { Finding } from "#domains/transport/model";
import { command, emitFor } from "../emit.ts";
import type { Turn } from "../turn.ts";
import { type Entry, labelOf } from "../world.ts";
import { mayRecover } from "./context.ts";
import { dispatch } from "./sessions.ts";

/** Maximum number of findings handled in one turn. No single input can cause more with eight paths. */
const FINDINGS_MAX = 256;

/** Handles the waiting findings in order, including those that follow from them. */
export function drainFindings(turn: Turn): void {
  for (let handled = 0; handled < FINDINGS_MAX; handled++) {
    const next = turn.findings.shift();
    if (next === undefined) return;
    if (next.entry.session.state !== "TERMINATED") handle(turn, next.entry, next.finding);
  }
  turn.findings.length = 0;
}

function handle(turn: Turn, entry: Entry, finding: Finding): void {
  const session = entry.session.handle;
  const { path } = finding;
  const label = labelOf(entry, path);
  switch (finding.type) {
    case "Dead": {
      const transport = { old: label, new: null };
      const numbers = { ...finding.numbers, wasActive: finding.wasActive };
      emitFor(turn, entry, { type: "TransportDead", reason: finding.reason, transport, numbers });
      command(turn, { type: "SetPathDead", session, path, dead: true });
      dispatch(turn, entry, { type: "TransportDead", path, numbers: { path: label, death: finding.reason, ...finding.numbers } });
      return;
    }
    case "Returned":
      emitFor(turn, entry, { type: "PathAlive", transport: { old: null, new: label } });
      command(turn, { type: "SetPathDead", session, path, dead: false });
      return;
    case "Exceeded": {
      const numbers = { path: label, measured: Math.round(finding.measured * 10_000) / 10_000, threshold: finding.threshold };
      dispatch(turn, entry, { type: "ThresholdExceeded", path, reason: finding.reason, numbers });
      return;
    }
    case "Restored":
      dispatch(turn, entry, { type: "StabilityRestored", path, verdict: mayRecover(turn, entry, "revalidate") });
      return;
    case "Stable":
      return;
    case "Unstable":
      if (entry.session.state === "RECOVERING" && entry.session.target === path)
        dispatch(turn, entry, { type: "TargetFailed", path, bindSeq: entry.session.attempt, reason: "target_unstable" });
      return;
    case "Refused": {
      const numbers = { path, refused: "path" };
      emitFor(turn, entry, { type: "Diagnostic", reason: finding.reason, numbers });
      return;
    }
  }
}
