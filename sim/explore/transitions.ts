import type { Effect, Input } from "#core/contract";
import type { Policy } from "#domains/policy/model";
import type { CoreEvent } from "#kernel/contract/event";
import type { SessionHandle } from "#kernel/contract/state";
import type { Seen } from "#transcripts/checker";
import type { Watch } from "./watch.ts";

/** Wait of the client after a failed attempt. */
export const RETRY_MS = 250;
/** Time for which an attributable failure counts. */
export const FAILURES_WINDOW_MS = 60_000;

/** The values that the laws of transitions need besides the session. */
export interface Court {
  readonly client: boolean;
  /** The gateway's offer. A client's own policy cannot relax its limits. */
  readonly offered: Policy;
  readonly local: Policy;
  readonly policyValid: boolean;
  readonly authority: boolean;
  complain(what: string): void;
}

/** Values of the session before the input. */
interface Former {
  readonly attempt: Watch["attempt"];
  readonly bindSeq: number;
}

/** Checks the transitions that one input caused, in order. */
export function transitions(
  court: Court,
  watch: Watch,
  seen: Seen,
  events: readonly CoreEvent[],
  former: Former | undefined,
  input: Input,
  effects: readonly Effect[],
  now: number,
): void {
  let switched = events.filter(({ type }) => type === "TransportSwitch").length;
  for (const event of events) {
    if (event.type === "SessionStateChange") {
      if (event.to === "ATTACHED" && bound(court, watch, event, former, input, now)) switched -= 1;
      if (event.to === "RECOVERING") recovers(court, watch, now);
      if (event.to === "DEGRADED") blocks(watch, event, now);
      if (event.to === "TERMINATED") ends(court, watch, event, events, input, now);
      premature(court, watch, former, event, now);
    }
    if (event.type === "TransportSwitchDenied") {
      cooled(court, watch, event, now);
      blocks(watch, event, now);
    }
  }
  if (switched !== 0) court.complain("I4: TransportSwitch is told exactly when the active path changes");
  if (input.type === "Engine" && input.report.type === "AttachRequested" && input.report.session === watch.handle)
    answered(court, watch, seen, former?.bindSeq ?? 0, input.report.bindSeq, input.report.path, effects);
}

/** I2, I5, I15: the conditions for ATTACHED. Returns whether the path changed. */
function bound(court: Court, watch: Watch, event: CoreEvent, former: Former | undefined, input: Input, now: number): boolean {
  const report = input.type === "Engine" ? input.report : null;
  if (event.from === "BIRTH" && !court.policyValid) court.complain("I15: a new session was attached under an invalid policy");
  if (!court.authority) court.complain("I12: ATTACHED without authority");
  if (court.client) {
    const own = event.from === "BIRTH" ? { path: null, bindSeq: 1 } : former?.attempt;
    const fits =
      report?.type === "AttachValidated" &&
      report.session === watch.handle &&
      report.bindSeq === own?.bindSeq &&
      (own.path === null || own.path === report.path);
    if (!fits || report?.type !== "AttachValidated") {
      court.complain("I2: ATTACHED without an answer to this attempt");
      return false;
    }
    const path = watch.path(report.path);
    if (event.from === "BIRTH" && path !== undefined && path.condition === "cold") path.condition = "good";
    return watch.bind(report.path, now);
  }
  if (event.from === "BIRTH") {
    if (!watch.stored) court.complain("I2: ATTACHED before the store said yes");
    const path = watch.paths[0];
    if (path === undefined) court.complain("I5: ATTACHED on no path");
    return path !== undefined && watch.bind(path.id, now);
  }
  if (report?.type !== "AttachRequested" || report.session !== watch.handle || report.bindSeq <= (former?.bindSeq ?? 0)) {
    court.complain("I2: ATTACHED without a newer proof of the client");
    return false;
  }
  return watch.bind(report.path, now);
}

/** I3: an elective move needs the end of the cooldown. */
function recovers(court: Court, watch: Watch, now: number): void {
  watch.readySince = null;
  if (!court.authority) court.complain("I12: a move without authority");
  const { attempt, active, missed } = watch;
  const { since, limitMs } = cooldown(court, watch);
  if (!court.client || attempt === null || since === null || attempt.path === (active ?? missed)) return;
  if (now - since < limitMs) court.complain(`I3: moved ${now - since} ms after the last switch`);
}

/** A denial by the cooldown is only correct during the cooldown. */
function cooled(court: Court, watch: Watch, event: CoreEvent, now: number): void {
  if (event.reason !== "cooldown_active" || event.numbers?.used === undefined) return;
  const { since, limitMs } = cooldown(court, watch);
  if (!court.client || since === null || now - since >= limitMs) court.complain("I3: a cooldown denied that is over");
}

/** After a death only the emergency cooldown counts, from the last switch that a death caused. */
export function cooldown(court: Court, watch: Watch): { readonly limitMs: number; readonly since: number | null } {
  return watch.isDead
    ? { limitMs: court.local.switch.emergencyCooldownMs, since: watch.lastUrgentAt }
    : { limitMs: court.offered.switch.cooldownMs, since: watch.lastSwitchAt };
}

/** Notes what a denial blocks, and until when. Own switch limits (they have `used`) do not block the same path. */
function blocks(watch: Watch, event: CoreEvent, now: number): void {
  const retry = event.numbers?.retryAfterMs;
  if (typeof retry !== "number") watch.blockedUntil = Math.max(watch.blockedUntil, now + RETRY_MS);
  else if (event.numbers?.used !== undefined && ["switch_rate_limited", "cooldown_active"].includes(event.reason ?? ""))
    watch.movesBlockedUntil = Math.max(watch.movesBlockedUntil, now + retry);
  else watch.blockedUntil = Math.max(watch.blockedUntil, now + retry);
}

/** I7, I14: an end must have its cause, its event and its command. */
function ends(court: Court, watch: Watch, event: CoreEvent, events: readonly CoreEvent[], input: Input, now: number): void {
  if (!events.some(({ type }) => type === "SessionTerminated")) court.complain("I4: an end without SessionTerminated");
  if (!watch.over) court.complain("I7: a session ended and its keys stayed");
  const failures = failed(watch, now);
  if (event.reason === "security_failure" && failures <= court.local.security.validationFailBudget)
    court.complain("I14: ended within the failure budget");
  if (event.reason === "session_lifetime_exceeded" && now - watch.bornAt <= court.offered.session.maxLifetimeMs)
    court.complain("clock: ended before SESSION_MAX_LIFETIME");
  if (event.reason === "birth_timeout" && now - watch.bornAt <= court.local.session.birthTtlMs)
    court.complain("clock: ended before BIRTH_TTL");
  const since = watch.mayDegradeSince;
  const { degradedMaxMs } = court.client ? court.offered.session : court.local.session;
  if (event.reason === "degraded_ttl_exceeded" && !(since !== null && now - since > degradedMaxMs))
    court.complain("I8: ended before DEGRADED_MAX");
  if (event.reason === "state_corruption" && refusedSession(input) !== watch.handle)
    court.complain("a state broke its own promises");
}

function premature(court: Court, watch: Watch, former: Former | undefined, event: CoreEvent, now: number): void {
  const { attempt } = former ?? { attempt: null };
  if (event.reason === "attempt_timeout" && !(attempt !== null && now - attempt.since > attempt.timeoutMs))
    court.complain("clock: an attempt timed out before its time");
  if (event.reason === "volatile_persisted" && Number(event.numbers?.ageMs) <= court.local.session.volatileMaxMs)
    court.complain("clock: VOLATILE_MAX judged before its time");
  if (event.reason === "authority_lost" && court.authority) court.complain("I12: authority was lost that is held");
  if (["loss_threshold_exceeded", "heartbeat_timeout", "authority_lost"].includes(event.reason ?? ""))
    watch.mayDegradeSince ??= now;
}

/** The gateway must answer each fresh proof once, and an old proof never. */
function answered(
  court: Court,
  watch: Watch,
  seen: Seen,
  bound: number,
  asked: number,
  path: number,
  effects: readonly Effect[],
): void {
  const answers = effects.flatMap((effect) =>
    effect.type === "Engine" && effect.command.type === "AnswerAttach" && effect.command.session === watch.handle
      ? [effect.command]
      : [],
  );
  const fresh = asked > bound && seen.state !== "TERMINATED" && seen.state !== "BIRTH";
  if (answers.length !== (fresh ? 1 : 0))
    court.complain(`I2: ${answers.length} answers to a proof that is ${fresh ? "fresh" : "old"}`);
  const accepted = answers.some(({ denyReason }) => denyReason === null);
  if (accepted && watch.active !== path) court.complain("I2: a proof was accepted and its path not bound");
}

/** The session whose command the engine refused; `null` = none. */
export function refusedSession(input: Input): SessionHandle | null {
  return input.type === "Engine" && input.report.type === "Refused" ? input.report.session : null;
}

/** Number of attributable failures in the window, counted by the judge. */
export function failed(watch: Watch, now: number): number {
  return watch.failures.filter((at) => now - at <= FAILURES_WINDOW_MS).length;
}
