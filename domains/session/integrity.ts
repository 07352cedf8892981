import type { Millis } from "#kernel/time";
import type { Clocks, Session } from "./model.ts";

/** The first invariant that a state breaks, or `null`. Total, also for a state from a damaged journal. */
export function broken(session: Session, now: Millis): string | null {
  if (!count(session.version) || !count(session.bindSeq) || !past(session.bornAt, now))
    return "version, bind seq and birth are sound";
  switch (session.state) {
    case "BIRTH":
      return session.version === 0 ? null : "BIRTH has version 0";
    case "ATTACHED":
      if (!count(session.active)) return "ATTACHED has an active path (I5)";
      return session.version > 0 && past(session.since, now) ? null : "ATTACHED was entered by a transition";
    case "VOLATILE":
      return clocksBroken(session, session.active, now) ?? entered(session, now);
    case "DEGRADED":
      return clocksBroken(session, session.active, now) ?? entered(session, now);
    case "RECOVERING":
      if (!count(session.target) || session.attempt !== session.bindSeq)
        return "RECOVERING has a target, and its attempt is the newest";
      if (!(session.timeoutMs > 0)) return "an attempt has a time-out";
      return clocksBroken(session, session.active, now) ?? entered(session, now);
    case "TERMINATED":
      return past(session.endedAt, now) ? null : "TERMINATED has an end";
    default:
      return "the state is one of the six";
  }
}

function clocksBroken(clocks: Clocks, active: number | null, now: Millis): string | null {
  if (active !== null && !count(active)) return "an active path has an id";
  if ((active === null) !== (clocks.transportlessSince !== null))
    return "the transportless clock runs exactly while no path is active (I6)";
  if (active === null && !count(clocks.lastActive)) return "without an active path, the one that is missed has an id";
  if (clocks.transportlessSince !== null && !past(clocks.transportlessSince, now))
    return "the transportless clock started in the past";
  return clocks.degradedSince === null || past(clocks.degradedSince, now) ? null : "the degraded clock started in the past";
}

function entered(session: { readonly version: number; readonly since: Millis }, now: Millis): string | null {
  return session.version > 0 && past(session.since, now) ? null : "the state was entered by a transition";
}

const count = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const past = (at: unknown, now: Millis): boolean => Number.isFinite(at) && (at as number) <= now;
