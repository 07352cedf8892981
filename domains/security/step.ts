import { isOrdinary, type SecurityKind } from "#kernel/contract/security-kind";
import type { Millis } from "#kernel/time";
import { failed, failureUse } from "./failure-budget.ts";
import type { Security, SecurityFinding, SecurityInput, SecurityPolicy, SecurityStep } from "./model.ts";
import { tallied } from "./tally.ts";

/**
 * Judges one security report. It counts, emits findings and reports an exceeded budget. It cannot change a path, a key
 * or an identity. A failure that is not attributable changes only counters.
 */
export function step(security: Security, input: SecurityInput, policy: SecurityPolicy, now: Millis): SecurityStep {
  switch (input.type) {
    case "ValidationFailed":
      return input.attributable ? blame(security, input.kind, policy, now) : securityEvent(security, input.kind, 1, now);
    case "Dropped":
      return isOrdinary(input.kind)
        ? note(security, input.kind, input.count, now)
        : securityEvent(security, input.kind, input.count, now);
    case "KeyRotated":
      return rotated(security, input.epoch, input.trigger, now);
    case "KeyExpired":
      return keyChanged(security, "KeyExpired", input.epoch, input.trigger);
    case "RekeyDenied":
      return keyChanged(security, "RekeyDenied", input.epoch, input.reason);
  }
}

/** Every attributable failure counts, also if its event is held back. */
function blame(security: Security, kind: SecurityKind, policy: SecurityPolicy, now: Millis): SecurityStep {
  const failures = failed(security.failures, now);
  const { used, max, exceeded } = failureUse(failures, policy, now);
  const { tallies, due } = tallied(security.tallies, kind, 1, now);
  const findings: SecurityFinding[] = [{ type: "Failure", kind, used, max, exceeded }];
  if (due !== null) findings.unshift({ type: "SecurityEvent", ...due, attributable: true });
  return { next: { ...security, failures, tallies }, findings };
}

function securityEvent(security: Security, kind: SecurityKind, count: number, now: Millis): SecurityStep {
  const { tallies, due } = tallied(security.tallies, kind, count, now);
  const findings: readonly SecurityFinding[] = due === null ? [] : [{ type: "SecurityEvent", ...due, attributable: false }];
  return { next: { ...security, tallies }, findings };
}

function note(security: Security, kind: SecurityKind, count: number, now: Millis): SecurityStep {
  const { tallies, due } = tallied(security.tallies, kind, count, now);
  return { next: { ...security, tallies }, findings: due === null ? [] : [{ type: "TrafficDropped", ...due }] };
}

/** Key epochs must increase. One that does not is recorded and otherwise ignored. */
function rotated(security: Security, epoch: number, trigger: string, now: Millis): SecurityStep {
  if (epoch <= security.keyEpoch) return securityEvent(security, "key_epoch_not_rising", 1, now);
  return keyChanged({ ...security, keyEpoch: epoch }, "KeyRotated", epoch, trigger);
}

function keyChanged(
  next: Security,
  event: "KeyRotated" | "KeyExpired" | "RekeyDenied",
  epoch: number,
  trigger: string,
): SecurityStep {
  return { next, findings: [{ type: "KeyChanged", event, epoch, trigger }] };
}
