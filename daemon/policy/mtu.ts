import { type PolicySet, policyFor } from "#domains/policy/model";

/** The largest inner packet of a session, bytes: the smaller of `[tunnel] mtu` and what the policy says for the client's group. */
export function sessionMtu(configured: number, policy: PolicySet | null, group: string | null): number {
  return policy === null ? configured : Math.min(configured, policyFor(policy, group).mtu);
}

/** A gateway has one device for all its clients, so it takes the smallest of their sizes: nobody is sent more than was agreed. */
export function tunnelMtu(configured: number, policy: PolicySet | null): number {
  if (policy === null) return configured;
  return Math.min(configured, policy.base.mtu, ...policy.overrides.map((override) => override.policy.mtu));
}
