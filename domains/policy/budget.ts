import type { Role } from "#kernel/contract/state";
import { ALLOWED, type Verdict } from "#kernel/contract/verdict";
import type { Share } from "#kernel/contract/view";
import { MINUTE, type Millis } from "#kernel/time";
import type { Policy } from "./model.ts";

/** A move that was made, and whether it could have waited. */
interface Use {
  readonly at: Millis;
  readonly elective: boolean;
}

/**
 * The use of a session's limits: exact times, oldest first. The policy's own maxima (at most 600 and 1,200) bound the
 * lists, because only allowed moves are recorded.
 */
export interface Budget {
  readonly switches: readonly Use[];
  readonly recoveries: readonly Use[];
}

export const UNUSED: Budget = { switches: [], recoveries: [] };

/**
 * A switch leaves a path that carries (`elective`), or one that died (`emergency`). A new proof on the same path, while
 * it carries (`revalidate`) or after it was lost (`restore`), is a recovery and no switch.
 */
export type RecoveryKind = "elective" | "emergency" | "revalidate" | "restore";

export const RECOVERY_KINDS: readonly RecoveryKind[] = ["elective", "emergency", "revalidate", "restore"];

type Denial = "switch_rate_limited" | "recovery_rate_limited" | "cooldown_active";

/** The gateway's window is shorter, so that delay cannot make it deny what the client's own limits allowed. */
const WINDOW_MS: Readonly<Record<Role, Millis>> = { client: MINUTE, gateway: 55_000 };

interface Limit {
  readonly reason: Denial;
  readonly used: number;
  readonly max: number;
  readonly waitMs: Millis;
}

/** Moves that could wait may use this part of a limit. The rest is the reserve for deaths, which may use all of it. */
function electiveShare(max: number): number {
  return Math.floor(max / 2);
}

/**
 * Whether the session may enter RECOVERING. The first reason of: switch budget, recovery budget, cooldown. A gateway
 * cannot know why its client moves, and denies only what no client's limits allow.
 */
export function mayRecover(budget: Budget, policy: Policy, kind: RecoveryKind, role: Role, now: Millis): Verdict<Denial> {
  const limits = role === "client" ? clientLimits(budget, policy, kind, now) : gatewayLimits(budget, policy, kind, now);
  const first = limits.find((limit) => limit.waitMs > 0);
  if (first === undefined) return ALLOWED;
  const retryAfterMs = Math.max(...limits.map((limit) => limit.waitMs));
  return { allowed: false, reason: first.reason, retryAfterMs, used: first.used, max: first.max };
}

function clientLimits({ switches, recoveries }: Budget, policy: Policy, kind: RecoveryKind, now: Millis): readonly Limit[] {
  const { maxPerMin, recoveriesPerMin, cooldownMs, emergencyCooldownMs } = policy.switch;
  const window = { ms: WINDOW_MS.client, now };
  const waits = kind === "elective" || kind === "revalidate";
  const recovery = [
    ...(waits ? [rate("recovery_rate_limited", elective(recoveries), electiveShare(recoveriesPerMin), window)] : []),
    rate("recovery_rate_limited", recoveries, recoveriesPerMin, window),
  ];
  if (kind === "elective") {
    const own = rate("switch_rate_limited", elective(switches), electiveShare(maxPerMin), window);
    return [own, rate("switch_rate_limited", switches, maxPerMin, window), ...recovery, cooldown(switches, cooldownMs, now)];
  }
  if (kind !== "emergency") return recovery;
  const urgent = switches.filter((use) => !use.elective);
  return [rate("switch_rate_limited", switches, maxPerMin, window), ...recovery, cooldown(urgent, emergencyCooldownMs, now)];
}

function gatewayLimits({ switches, recoveries }: Budget, policy: Policy, kind: RecoveryKind, now: Millis): readonly Limit[] {
  const { maxPerMin, recoveriesPerMin } = policy.switch;
  const window = { ms: WINDOW_MS.gateway, now };
  const recovery = rate("recovery_rate_limited", recoveries, recoveriesPerMin, window);
  const isSwitch = kind === "elective" || kind === "emergency";
  return isSwitch ? [rate("switch_rate_limited", switches, maxPerMin, window), recovery] : [recovery];
}

/** Records that the session entered RECOVERING. `elective`: a path carries its traffic meanwhile. */
export function recordRecovery(budget: Budget, policy: Policy, elective: boolean, now: Millis): Budget {
  return { ...budget, recoveries: append(budget.recoveries, policy.switch.recoveriesPerMin, { at: now, elective }) };
}

/** Records a switch: the active path changed. `elective`: the old path carried the traffic until then. */
export function recordSwitch(budget: Budget, policy: Policy, elective: boolean, now: Millis): Budget {
  return { ...budget, switches: append(budget.switches, policy.switch.maxPerMin, { at: now, elective }) };
}

interface Usage {
  readonly switches: Share;
  readonly recoveries: Share;
  /** Time until the next elective switch is permitted; 0 = now. */
  readonly nextSwitchInMs: Millis;
}

/** The use of the limits and the time of the next elective switch, by the client's windows. */
export function usage(budget: Budget, policy: Policy, now: Millis): Usage {
  const verdict = mayRecover(budget, policy, "elective", "client", now);
  const share = (uses: readonly Use[], max: number): Share => {
    const recent = inWindow(uses, MINUTE, now);
    return { used: recent.length, max, electiveUsed: elective(recent).length, electiveMax: electiveShare(max) };
  };
  return {
    switches: share(budget.switches, policy.switch.maxPerMin),
    recoveries: share(budget.recoveries, policy.switch.recoveriesPerMin),
    nextSwitchInMs: verdict.allowed ? 0 : verdict.retryAfterMs,
  };
}

function elective(uses: readonly Use[]): readonly Use[] {
  return uses.filter((use) => use.elective);
}

interface Window {
  readonly ms: Millis;
  readonly now: Millis;
}

function rate(reason: Denial, uses: readonly Use[], max: number, { ms, now }: Window): Limit {
  const recent = inWindow(uses, ms, now);
  // The entry that must leave the window to make room. If `max` was lowered meanwhile, earlier ones must leave as well.
  const blocker = recent[recent.length - max];
  return { reason, used: recent.length, max, waitMs: blocker === undefined ? 0 : blocker.at + ms + 1 - now };
}

function cooldown(uses: readonly Use[], cooldownMs: Millis, now: Millis): Limit {
  const last = uses.at(-1);
  const waitMs = last === undefined ? 0 : Math.max(0, last.at + cooldownMs - now);
  return { reason: "cooldown_active", used: 1, max: 1, waitMs };
}

/** Both ends of the window count, so that no closed interval of its length contains more than the maximum. */
function inWindow(uses: readonly Use[], windowMs: Millis, now: Millis): readonly Use[] {
  return uses.filter(({ at }) => now - at <= windowMs);
}

function append(uses: readonly Use[], max: number, use: Use): readonly Use[] {
  return [...inWindow(uses, MINUTE, use.at), use].slice(-max);
}
