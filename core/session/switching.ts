import { activeOf, lastActiveOf, RETRY_INTERVAL_MS } from "#domains/session/model";
import type { Reason } from "#kernel/contract/reason";
import type { PathId } from "#kernel/contract/state";
import type { Verdict } from "#kernel/contract/verdict";
import type { Turn } from "../turn.ts";
import { type Entry, labelOf } from "../world.ts";
import { holdsAuthority, mayRecover, proofOnSamePath } from "./context.ts";
import { dispatch } from "./sessions.ts";

interface SwitchRefusal {
  readonly code: Reason;
  readonly message: string;
  readonly hint: string;
  readonly retryAfterMs: number | null;
}

/**
 * An elective switch at the client. An impossible target (unknown, dead or already active) is refused without an event
 * of the session. A denial by the limits is an event of the session. `null` = the switch has begun.
 */
export function requestSwitch(
  turn: Turn,
  entry: Entry,
  target: PathId,
  options: { readonly revalidates: boolean },
): SwitchRefusal | null {
  const { session } = entry;
  const active = activeOf(session);
  const path = entry.transport.paths.find((known) => known.id === target);
  const label = labelOf(entry, target) ?? `path ${target}`;
  if (path === undefined) return refusal("unknown_path", `this session has no transport ${target}`, "`jvpn paths` lists them");
  if (target === active && !options.revalidates)
    return refusal("already_active", `${label} is the active transport`, "nothing to do");
  if (path.health.is !== "alive")
    return refusal("target_unusable", `${label} is ${path.health.is}`, "wait until `jvpn paths` shows it as warm");
  if (path.priority === "never")
    return refusal("policy_denied", `${label} has priority never`, "change its priority in the configuration");
  const verdict = verdictFor(turn, entry, target);
  dispatch(turn, entry, { type: "SwitchRequested", target, reason: "switch_requested", verdict });
  if (verdict.allowed) return null;
  const { reason, retryAfterMs } = verdict;
  const next = `next in ${Math.ceil(retryAfterMs / 1_000)} s`;
  const limits = reason.endsWith("_rate_limited") ? `${reason} (${shareText(entry, verdict)}; ${next})` : `${reason} (${next})`;
  const running = reason === "attempt_in_progress";
  return { ...refusal(reason, running ? reason : limits, "the policy limits how often a session may move"), retryAfterMs };
}

/** `4 of 4 in the last minute that could wait; the rest is for deaths`, or `8 of 8 in the last minute`. */
function shareText({ policy }: Entry, { reason, used, max }: Extract<Verdict, { allowed: false }>): string {
  const limit = reason === "switch_rate_limited" ? policy.switch.maxPerMin : policy.switch.recoveriesPerMin;
  const text = `${used} of ${max} in the last minute`;
  return max < limit ? `${text} that could wait, the rest is for deaths` : text;
}

function verdictFor(turn: Turn, entry: Entry, target: PathId): Verdict {
  const { session } = entry;
  const active = activeOf(session);
  if (session.state === "RECOVERING" || session.state === "BIRTH")
    return { allowed: false, reason: "attempt_in_progress", retryAfterMs: 1_000, used: 1, max: 1 };
  if (!holdsAuthority(turn))
    return { allowed: false, reason: "authority_lost", retryAfterMs: RETRY_INTERVAL_MS, used: 0, max: 0 };
  if (target === lastActiveOf(session)) return mayRecover(turn, entry, proofOnSamePath(entry));
  return mayRecover(turn, entry, active === null ? "emergency" : "elective");
}

function refusal(code: Reason, message: string, hint: string): SwitchRefusal {
  return { code, message, hint, retryAfterMs: null };
}
