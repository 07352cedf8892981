import type { Role } from "#kernel/contract/state";
import { ALLOWED, type Verdict } from "#kernel/contract/verdict";
import { MINUTE, type Millis } from "#kernel/time";
import type { Policy } from "./model.ts";

/**
 * The use of a session's limits: exact times, oldest first. The policy's own maxima (at most 600 and 1,200) bound the
 * lists, because only allowed moves are recorded.
 */
export interface Budget {
  readonly switches: readonly Millis[];
  readonly recoveries: readonly Millis[];
  readonly lastSwitchAt: Millis | null;
}

export const UNUSED: Budget = { switches: [], recoveries: [], lastSwitchAt: null };

/** `revalidate` = a new proof on the active path: a recovery, but no switch. */
export type RecoveryKind = "elective" | "emergency" | "revalidate";

type Denial = "switch_rate_limited" | "recovery_rate_limited" | "cooldown_active";

/**
 * The gateway's window is 55 s and the client's 60 s, so that delay cannot make the gateway deny what the client's own
 * limits allowed. The gateway's cooldown is shorter in the same ratio.
 */
const WINDOW_MS: Readonly<Record<Role, Millis>> = { client: MINUTE, gateway: 55_000 };

interface Limit {
  readonly reason: Denial;
  readonly used: number;
  readonly max: number;
  readonly waitMs: Millis;
}

/** Whether the session may enter RECOVERING. The first reason of: switch budget, recovery budget, cooldown. */
export function mayRecover(budget: Budget, policy: Policy, kind: RecoveryKind, role: Role, now: Millis): Verdict<Denial> {
  const windowMs = WINDOW_MS[role];
  const recoveries = rate("recovery_rate_limited", budget.recoveries, policy.switch.recoveriesPerMin, windowMs, now);
  const limits =
    kind === "revalidate"
      ? [recoveries]
      : [
          rate("switch_rate_limited", budget.switches, policy.switch.maxPerMin, windowMs, now),
          recoveries,
          cooldown(budget, kind === "elective" ? policy.switch.cooldownMs : policy.switch.emergencyCooldownMs, windowMs, now),
        ];
  const first = limits.find((limit) => limit.waitMs > 0);
  if (first === undefined) return ALLOWED;
  const retryAfterMs = Math.max(...limits.map((limit) => limit.waitMs));
  return { allowed: false, reason: first.reason, retryAfterMs, used: first.used, max: first.max };
}

/** Records that the session entered RECOVERING. */
export function recordRecovery(budget: Budget, policy: Policy, now: Millis): Budget {
  return { ...budget, recoveries: append(budget.recoveries, policy.switch.recoveriesPerMin, now) };
}

/** Records a switch: the active path changed. */
export function recordSwitch(budget: Budget, policy: Policy, now: Millis): Budget {
  return { ...budget, switches: append(budget.switches, policy.switch.maxPerMin, now), lastSwitchAt: now };
}

interface Usage {
  readonly switchesUsed: number;
  readonly switchesMax: number;
  readonly recoveriesUsed: number;
  readonly recoveriesMax: number;
  /** Time until the next elective switch is permitted; 0 = now. */
  readonly nextSwitchInMs: Millis;
}

/** The use of the limits and the time of the next elective switch, by the client's windows. */
export function usage(budget: Budget, policy: Policy, now: Millis): Usage {
  const verdict = mayRecover(budget, policy, "elective", "client", now);
  return {
    switchesUsed: inWindow(budget.switches, MINUTE, now).length,
    switchesMax: policy.switch.maxPerMin,
    recoveriesUsed: inWindow(budget.recoveries, MINUTE, now).length,
    recoveriesMax: policy.switch.recoveriesPerMin,
    nextSwitchInMs: verdict.allowed ? 0 : verdict.retryAfterMs,
  };
}

function rate(reason: Denial, times: readonly Millis[], max: number, windowMs: Millis, now: Millis): Limit {
  const recent = inWindow(times, windowMs, now);
  // The entry that must leave the window to make room. If `max` was lowered meanwhile, earlier ones must leave as well.
  const blocker = recent[recent.length - max];
  return { reason, used: recent.length, max, waitMs: blocker === undefined ? 0 : blocker + windowMs + 1 - now };
}

function cooldown(budget: Budget, cooldownMs: Millis, windowMs: Millis, now: Millis): Limit {
  const scaledMs = Math.floor((cooldownMs * windowMs) / MINUTE);
  const waitMs = budget.lastSwitchAt === null ? 0 : Math.max(0, budget.lastSwitchAt + scaledMs - now);
  return { reason: "cooldown_active", used: 1, max: 1, waitMs };
}

/** Both ends of the window count, so that no closed interval of its length contains more than the maximum. */
function inWindow(times: readonly Millis[], windowMs: Millis, now: Millis): readonly Millis[] {
  return times.filter((at) => now - at <= windowMs);
}

function append(times: readonly Millis[], max: number, now: Millis): readonly Millis[] {
  return [...inWindow(times, MINUTE, now), now].slice(-max);
}
