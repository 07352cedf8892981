import { backoff } from "#kernel/backoff";
import type { Millis } from "#kernel/time";
import { type Path, type PathPolicy, PENALTIES_MAX, type Penalty } from "./model.ts";

type Key = Pick<Path, "ifname" | "remote">;

/** Remaining penalty of a path in ms; 0 = none. It lowers the rank but never makes the only path unusable. */
export function penaltyMs(penalties: readonly Penalty[], key: Key, now: Millis): Millis {
  const penalty = penalties.find((candidate) => same(candidate, key));
  return penalty === undefined ? 0 : Math.max(0, penalty.until - now);
}

/**
 * Starts the penalty of a path that died, or doubles it up to the maximum. Earlier deaths no longer count if the path
 * was a stable candidate for twice its last penalty and at least for `returnToPreferredAfterMs`. If the table is full,
 * the penalty that ends first is dropped.
 */
export function penalized(penalties: readonly Penalty[], path: Path, policy: PathPolicy, now: Millis): readonly Penalty[] {
  const before = penalties.find((candidate) => same(candidate, path));
  const forgotten = before === undefined || redeemed(before, path.stableSince, policy, now);
  const deaths = forgotten ? 1 : before.deaths + 1;
  const penalty: Penalty = { ifname: path.ifname, remote: path.remote, deaths, until: now + lengthMs(deaths, policy) };
  const others = penalties.filter((candidate) => !same(candidate, path));
  const ordered = [...others].sort((a, b) => b.until - a.until);
  return [penalty, ...ordered].slice(0, PENALTIES_MAX);
}

function redeemed(penalty: Penalty, stableSince: Millis | null, policy: PathPolicy, now: Millis): boolean {
  const neededMs = Math.max(2 * lengthMs(penalty.deaths, policy), policy.switch.returnToPreferredAfterMs);
  return stableSince !== null && now - stableSince >= neededMs;
}

function lengthMs(deaths: number, { penalty }: PathPolicy): Millis {
  return backoff(deaths, penalty.firstMs, penalty.maxMs);
}

function same(a: Key, b: Key): boolean {
  return a.ifname === b.ifname && a.remote === b.remote;
}
