import type { Audit } from "#domains/session/effect";
import { backoff } from "#kernel/backoff";
import { PATHS_MAX } from "#kernel/contract/engine.generated";
import type { Reason } from "#kernel/contract/reason";
import type { PathId } from "#kernel/contract/state";
import { MINUTE, type Millis, SECOND } from "#kernel/time";
import type { Entry } from "../world.ts";

/** Time for which a failed target is chosen last: first and longest; it doubles in between. */
const FIRST_MS: Millis = 2 * SECOND;
const MAX_MS: Millis = 5 * MINUTE;
/** Failures caused by the target. A denial or a lost authority is not. */
const TARGETS_FAULT: ReadonlySet<Reason> = new Set(["target_unanswered", "target_unstable", "attempt_timeout"]);

/** Records a failed target, so that a path which answers probes but no attempt is not tried forever. */
export function shunFailed(entry: Entry, record: Audit, now: Millis): void {
  const target = record.paths?.new ?? null;
  if (record.type !== "AttachResult" || target === null || record.reason === undefined) return;
  if (!TARGETS_FAULT.has(record.reason)) return;
  const failures = (entry.shunned.find(({ path }) => path === target)?.failures ?? 0) + 1;
  const until = now + backoff(failures, FIRST_MS, MAX_MS);
  entry.shunned = [...entry.shunned.filter(({ path }) => path !== target), { path: target, failures, until }].slice(-PATHS_MAX);
}

/** Clears the failures of a path on which an attempt succeeded. */
export function forgive(entry: Entry, path: PathId): void {
  entry.shunned = entry.shunned.filter((shunned) => shunned.path !== path);
}

/** When the next shunned path becomes a normal candidate again; `null` = no path is shunned. */
export function unshunnedAt(entry: Entry, now: Millis): Millis | null {
  const times = entry.shunned.map(({ until }) => until).filter((until) => until > now);
  return times.length === 0 ? null : Math.min(...times);
}

export function shunnedNow(entry: Entry, now: Millis): readonly PathId[] {
  return entry.shunned.filter(({ until }) => until > now).map(({ path }) => path);
}
