import { MINUTE } from "#kernel/time";
import { durationText } from "./duration.ts";
import type { Policy, PolicyError } from "./model.ts";

interface Relation {
  /** The key to change, as in the file. */
  readonly path: readonly string[];
  /** The other key of the relation. */
  readonly against: readonly string[];
  readonly holds: (policy: Policy) => boolean;
  readonly message: (policy: Policy) => string;
}

/** Relations between values, which the bounds of single values cannot express. */
const RELATIONS: readonly Relation[] = [
  {
    path: ["session", "transport_lost_ttl"],
    against: ["session", "max_lifetime"],
    holds: ({ session }) => session.transportLostTtlMs < session.maxLifetimeMs,
    message: ({ session }) =>
      `must be shorter than max_lifetime: ${durationText(session.transportLostTtlMs)} is not below ${durationText(session.maxLifetimeMs)}`,
  },
  {
    path: ["session", "degraded_max"],
    against: ["session", "transport_lost_ttl"],
    holds: ({ session }) => session.transportLostTtlMs <= session.degradedMaxMs,
    message: ({ session }) =>
      `must not be shorter than transport_lost_ttl: ${durationText(session.degradedMaxMs)} would end a session before its ` +
      `${durationText(session.transportLostTtlMs)} without a transport have passed`,
  },
  {
    path: ["switch", "cooldown"],
    against: ["switch", "max_per_min"],
    holds: (policy) => policy.switch.cooldownMs * policy.switch.maxPerMin <= MINUTE,
    message: (policy) =>
      `${durationText(policy.switch.cooldownMs)} between switches allows fewer than max_per_min = ${policy.switch.maxPerMin}; ` +
      `shorten it to ${durationText(Math.floor(MINUTE / policy.switch.maxPerMin))} or lower max_per_min to ` +
      `${Math.max(2, Math.floor(MINUTE / policy.switch.cooldownMs))}`,
  },
  {
    path: ["switch", "emergency_cooldown"],
    against: ["switch", "cooldown"],
    holds: (policy) => policy.switch.emergencyCooldownMs <= policy.switch.cooldownMs,
    message: (policy) =>
      `must not be longer than cooldown: ${durationText(policy.switch.emergencyCooldownMs)} after a death, ` +
      `${durationText(policy.switch.cooldownMs)} otherwise`,
  },
  {
    path: ["switch", "recoveries_per_min"],
    against: ["switch", "max_per_min"],
    holds: (policy) => policy.switch.maxPerMin <= policy.switch.recoveriesPerMin,
    message: (policy) =>
      `must not be below max_per_min: every switch is a recovery, and ${policy.switch.recoveriesPerMin} < ${policy.switch.maxPerMin}`,
  },
  {
    path: ["penalty", "first"],
    against: ["penalty", "max"],
    holds: ({ penalty }) => penalty.firstMs <= penalty.maxMs,
    message: ({ penalty }) =>
      `must not be longer than penalty.max: ${durationText(penalty.firstMs)} > ${durationText(penalty.maxMs)}`,
  },
];

/** An error for each relation that does not hold, with the key to change. */
export function brokenRelations(policy: Policy): readonly PolicyError[] {
  const broken = RELATIONS.filter((relation) => !relation.holds(policy));
  return broken.map(({ path, against, message }) => ({ path, against, message: message(policy) }));
}
