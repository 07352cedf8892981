import type { PolicySet } from "#domains/policy/model";

/**
 * The MTU of a gateway's device: the smallest of all its clients' MTUs, because one device serves all of them and no
 * client may get longer packets than agreed.
 */
export function tunnelMtu(configured: number, policy: PolicySet | null): number {
  if (policy === null) return configured;
  return Math.min(configured, policy.base.mtu, ...policy.overrides.map((override) => override.policy.mtu));
}
