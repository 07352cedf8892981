import type { SessionLimits } from "#kernel/contract/session-limits";
import type { Millis } from "#kernel/time";
import type { Judgement } from "./event.ts";
import type { Session } from "./model.ts";

interface Clock {
  readonly type: Judgement["type"];
  readonly since: Millis;
  readonly limitMs: Millis;
}

/** The lifetime clock, which runs in every state. */
function lifetime(session: Session, limits: SessionLimits): Clock {
  return { type: "LifetimeExceeded", since: session.bornAt, limitMs: limits.maxLifetimeMs };
}

/** The other running clocks, in the order in which they are judged. */
function running(session: Session, limits: SessionLimits): readonly Clock[] {
  const clocks: Clock[] = [];
  if (session.state === "BIRTH") clocks.push({ type: "BirthTimedOut", since: session.bornAt, limitMs: limits.birthTtlMs });
  if (session.state === "VOLATILE" || session.state === "DEGRADED" || session.state === "RECOVERING") {
    const { transportlessSince, degradedSince } = session;
    if (transportlessSince !== null)
      clocks.push({ type: "TransportLostTooLong", since: transportlessSince, limitMs: limits.transportLostTtlMs });
    if (degradedSince !== null) clocks.push({ type: "DegradedTooLong", since: degradedSince, limitMs: limits.degradedMaxMs });
  }
  if (session.state === "RECOVERING") clocks.push({ type: "AttemptTimedOut", since: session.since, limitMs: session.timeoutMs });
  if (session.state === "VOLATILE")
    clocks.push({ type: "VolatilePersisted", since: session.since, limitMs: limits.volatileMaxMs });
  return clocks;
}

/** Whether SESSION_MAX_LIFETIME has passed; `null` = not yet. */
export function lifetimePassed(session: Session, limits: SessionLimits, now: Millis): Judgement | null {
  return passed([lifetime(session, limits)], now);
}

/** The first of the other clocks that has exceeded its limit (strictly, as in the failure matrix), or `null`. */
export function clockPassed(session: Session, limits: SessionLimits, now: Millis): Judgement | null {
  return passed(running(session, limits), now);
}

/** When the session needs a Tick if no event comes; `null` = never. */
export function deadline(session: Session, limits: SessionLimits): Millis | null {
  if (session.state === "TERMINATED") return null;
  let at = passesAt(lifetime(session, limits));
  for (const clock of running(session, limits)) at = Math.min(at, passesAt(clock));
  return session.state === "DEGRADED" && session.wait !== null ? Math.min(at, session.wait.until) : at;
}

function passesAt({ since, limitMs }: Clock): Millis {
  return since + limitMs + 1;
}

function passed(clocks: readonly Clock[], now: Millis): Judgement | null {
  const due = clocks.find((clock) => now - clock.since > clock.limitMs);
  return due === undefined ? null : { type: due.type, numbers: { ageMs: now - due.since, limitMs: due.limitMs } };
}
