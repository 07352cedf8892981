import type { Millis } from "#kernel/time";

/** The part of a policy that bounds the life of a session. */
export interface SessionLimits {
  readonly maxLifetimeMs: Millis;
  readonly transportLostTtlMs: Millis;
  readonly degradedMaxMs: Millis;
  readonly birthTtlMs: Millis;
  readonly attemptTimeoutMs: Millis;
  readonly volatileMaxMs: Millis;
}
