import type { PathId } from "#kernel/contract/state";
import type { PathView } from "#kernel/contract/view";
import type { Millis } from "#kernel/time";
import type { Path, Transport } from "./model.ts";
import { penaltyMs } from "./penalty.ts";
import { lossOver, PROBES_MIN } from "./windows.ts";

/** All paths in readable form, in the order in which they were added. */
export function views(t: Transport, active: PathId | null, now: Millis): readonly PathView[] {
  return t.paths.map((path) => ({
    id: path.id,
    label: path.label,
    local: path.local,
    remote: path.remote,
    role: roleOf(path, active),
    rttMs: millis(path.rttUs),
    rttVarMs: millis(path.rttVarUs),
    jitterMs: millis(path.jitterUs),
    lossRatio: lossOf(path, now),
    mtu: path.mtu,
    heardMsAgo: path.heardAt === null ? null : Math.max(0, now - path.heardAt),
    rxBytes: path.rxBytes,
    txBytes: path.txBytes,
    priority: path.priority,
    metered: path.metered,
    penaltyMs: penaltyMs(t.penalties, path, now),
    reason: path.health.is === "alive" ? null : path.health.reason,
  }));
}

function roleOf(path: Path, active: PathId | null): PathView["role"] {
  if (path.health.is !== "alive") return path.health.is;
  return path.id === active ? "active" : "warm";
}

/** Loss over all stored samples, which span the policy's longest window; else loss of probes. */
function lossOf(path: Path, now: Millis): number | null {
  const measured = lossOver(path.samples, Number.POSITIVE_INFINITY, now);
  return measured?.ratio ?? (path.probes.judged >= PROBES_MIN ? path.probes.lossRatio : null);
}

function millis(us: number | null): number | null {
  return us === null ? null : us / 1_000;
}
