import { RECOVERY_KINDS, type RecoveryKind } from "#domains/policy/budget";
import { activeOf, type Session } from "#domains/session/model";
import type { ClockView, MoveView, PathReasonView, SessionReasonView } from "#kernel/contract/policy";
import type { Reason } from "#kernel/contract/reason";
import type { SessionLimits } from "#kernel/contract/session-limits";
import type { SessionHandle } from "#kernel/contract/state";
import { UNDECIDED } from "#kernel/contract/verdict";
import type { Millis } from "#kernel/time";
import { type Entry, policyLabel, type World } from "../world.ts";
import { attempt } from "./attempt.ts";
import { NO_USE } from "./view.ts";

/** What the policy permits a session now, its running clocks, and the rank of its paths; `null` if it is not live. */
export function explainSession(world: World, handle: SessionHandle, now: Millis): SessionReasonView | null {
  const entry = world.sessions.get(handle);
  if (entry === undefined || entry.session.state === "TERMINATED") return null;
  const { session, policy, budget } = entry;
  const used = attempt(() => world.domains.policy.usage(budget, policy, now), null);
  return {
    session: session.id,
    role: session.role,
    state: session.state,
    policy: policyLabel(policy),
    sending: { mode: entry.sending, wanted: policy.switch.mode },
    budget: {
      switches: used?.switches ?? NO_USE,
      recoveries: used?.recoveries ?? NO_USE,
    },
    moves: RECOVERY_KINDS.map((kind) => moveView(world, entry, kind, now)),
    clocks: clocksOf(session, policy.session, now),
    paths: pathViews(world, entry, now),
  };
}

function moveView(world: World, { budget, policy, session }: Entry, kind: RecoveryKind, now: Millis): MoveView {
  const verdict = attempt(() => world.domains.policy.mayRecover(budget, policy, kind, session.role, now), UNDECIDED);
  if (!verdict.allowed) return { kind, ...verdict };
  return { kind, allowed: true, reason: null, retryAfterMs: 0, used: 0, max: 0 };
}

function clocksOf(session: Session, limits: SessionLimits, now: Millis): readonly ClockView[] {
  const clocks: ClockView[] = [];
  const clock = (reason: Reason, since: Millis | null, limitMs: Millis) => {
    if (since !== null) clocks.push({ reason, limitMs, leftMs: Math.max(0, since + limitMs - now) });
  };
  clock("session_lifetime_exceeded", session.bornAt, limits.maxLifetimeMs);
  if (session.state === "BIRTH") clock("birth_timeout", session.bornAt, limits.birthTtlMs);
  if ("transportlessSince" in session) {
    clock("transport_lost_ttl_exceeded", session.transportlessSince, limits.transportLostTtlMs);
    clock("degraded_ttl_exceeded", session.degradedSince, limits.degradedMaxMs);
  }
  if (session.state === "VOLATILE") clock("volatile_persisted", session.since, limits.volatileMaxMs);
  if (session.state === "RECOVERING") clock("attempt_timeout", session.since, session.timeoutMs);
  return clocks.sort((a, b) => a.leftMs - b.leftMs || (a.reason < b.reason ? -1 : 1));
}

function pathViews(world: World, { session, transport, policy }: Entry, now: Millis): readonly PathReasonView[] {
  const explained = attempt(() => world.domains.transport.explain(transport, activeOf(session), policy, now), []);
  return explained.map(({ tuple, ...rest }) => ({ ...rest, rank: tuple }));
}
