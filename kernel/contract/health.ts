/** The six failure-isolation domains of the mission. */
export const DOMAIN_NAMES = ["transport", "session", "security", "policy", "observability", "cluster"] as const;
export type DomainName = (typeof DOMAIN_NAMES)[number];

/**
 * `degraded` = it does less than promised, `failed` = it does not do its work. Both are flags: no session reads them.
 */
export const HEALTH_LEVELS = ["ok", "degraded", "failed"] as const;
export type HealthLevel = (typeof HEALTH_LEVELS)[number];

export type Health = Readonly<Record<DomainName, HealthLevel>>;
