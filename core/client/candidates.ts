import { backoff } from "#kernel/backoff";
import type { PathId } from "#kernel/contract/state";
import { type Millis, SECOND } from "#kernel/time";
import { command, emitFor } from "../emit.ts";
import { observe } from "../session/observe.ts";
import type { Turn } from "../turn.ts";
import { type ClientPath, type Entry, usablePaths } from "../world.ts";

/** Wait before an unanswered candidate is asked again: first and longest; it doubles in between. */
const RETRY_FIRST_MS: Millis = SECOND;
const RETRY_MAX_MS: Millis = 30 * SECOND;

/** Asks the gateway to validate every open path that this session has not validated yet. */
export function ensureCandidates(turn: Turn, entry: Entry): void {
  const { client, session } = entry;
  if (client === null || session.state === "BIRTH") return;
  for (const path of usablePaths(turn.world.client)) addPath(turn, entry, path);
  for (const path of askable(turn, entry)) {
    const asked = client.asked[path.id];
    if (asked !== undefined && (asked.retryAt === null || asked.retryAt > turn.now)) continue;
    client.asked[path.id] = { failures: asked?.failures ?? 0, retryAt: null };
    command(turn, { type: "AddCandidate", session: session.handle, path: path.id });
  }
}

/** Adds a path to the session's transport domain. Without effect if the path is already known. */
export function addPath(turn: Turn, entry: Entry, path: ClientPath): void {
  if (entry.transport.paths.some((known) => known.id === path.id)) return;
  const { id, label, ifname, priority, metered, remote, local } = path;
  observe(turn, entry, { type: "Added", path: id, label, ifname, priority, metered, remote, local });
  emitFor(turn, entry, { type: "PathAdded", transport: { old: null, new: label }, numbers: { local, remote } });
}

export function candidateAnswered(entry: Entry, path: PathId): void {
  if (entry.client !== null) delete entry.client.asked[path];
}

/** Schedules the next request. A change of the links triggers one at once. */
export function candidateUnanswered(turn: Turn, entry: Entry, path: PathId): void {
  if (entry.client === null) return;
  const failures = (entry.client.asked[path]?.failures ?? 0) + 1;
  entry.client.asked[path] = { failures, retryAt: turn.now + backoff(failures, RETRY_FIRST_MS, RETRY_MAX_MS) };
}

/** Clears all waits, because a link or the configuration changed: every candidate is asked again now. */
export function retryCandidates(entry: Entry): void {
  if (entry.client === null) return;
  for (const [path, asked] of Object.entries(entry.client.asked)) {
    if (asked.retryAt !== null) delete entry.client.asked[Number(path)];
  }
}

/** The earliest time at which a path may be asked again; `null` = none waits. */
export function nextCandidateRetry(turn: Turn, entry: Entry): Millis | null {
  const times = askable(turn, entry).flatMap(({ id }) => entry.client?.asked[id]?.retryAt ?? []);
  return times.length === 0 ? null : Math.min(...times);
}

/** Usable paths that this session has not validated. */
function askable(turn: Turn, entry: Entry): readonly ClientPath[] {
  const cold = new Set(entry.transport.paths.filter(({ health }) => health.is === "cold").map(({ id }) => id));
  return usablePaths(turn.world.client).filter(({ id }) => cold.has(id));
}
