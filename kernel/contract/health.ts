/** The six failure-isolation domains of the mission. */
export const DOMAIN_NAMES = ["transport", "session", "security", "policy", "observability", "cluster"] as const;
export type DomainName = (typeof DOMAIN_NAMES)[number];

/**
 * `degraded` = the domain does less than it should, `failed` = it does not work. Both only inform: no session reads
 * them.
 */
export const HEALTH_LEVELS = ["ok", "degraded", "failed"] as const;
export type HealthLevel = (typeof HEALTH_LEVELS)[number];

export type Health = Readonly<Record<DomainName, HealthLevel>>;
