import { EXIT } from "#kernel/contract/exit-code";
import { ControlError } from "#sdk/index";

const BY_CODE: Readonly<Record<string, number>> = {
  usage: EXIT.usage,
  bad_request: EXIT.usage,
  configuration: EXIT.configuration,
  policy_invalid: EXIT.configuration,
  timeout: EXIT.timeout,
  switch_unanswered: EXIT.timeout,
  attempt_timeout: EXIT.timeout,
  security_failure: EXIT.security,
  reattach_validation_failed: EXIT.security,
  not_found: EXIT.notFound,
  unknown_path: EXIT.notFound,
  switch_rate_limited: EXIT.denied,
  recovery_rate_limited: EXIT.denied,
  cooldown_active: EXIT.denied,
  policy_denied: EXIT.denied,
  attempt_in_progress: EXIT.denied,
  path_limit: EXIT.denied,
  path_not_validated: EXIT.denied,
  daemon_not_running: EXIT.notRunning,
  authority_lost: EXIT.notAuthoritative,
  authority_unreachable: EXIT.notAuthoritative,
  ownership_moved: EXIT.notAuthoritative,
  terminal: EXIT.terminated,
};

/** The exit code that belongs to a refusal. */
export function exitOf(cause: unknown): number {
  if (!(cause instanceof ControlError)) return EXIT.failed;
  return cause.deniedBy === null ? (BY_CODE[cause.code] ?? EXIT.failed) : EXIT.denied;
}
