import type { PolicySet } from "#domains/policy/model";

/**
 * A gateway has one device for all its clients, so it takes the smallest of their sizes: nobody is sent more than was
 * agreed.
 */
export function tunnelMtu(configured: number, policy: PolicySet | null): number {
  if (policy === null) return configured;
  return Math.min(configured, policy.base.mtu, ...policy.overrides.map((override) => override.policy.mtu));
}
