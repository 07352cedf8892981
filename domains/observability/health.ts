/** The six failure-isolation domains of the mission. */
export const DOMAINS = ["transport", "session", "security", "policy", "observability", "cluster"] as const;
export type Domain = (typeof DOMAINS)[number];

/** `degraded` = it does less than promised, `failed` = it does not do its work. Both are flags: no session reads them. */
export type HealthLevel = "ok" | "degraded" | "failed";

export interface HealthFlag {
  readonly level: HealthLevel;
  /** Why it is not ok; `null` = it is. */
  readonly why: string | null;
}

export type Health = Readonly<Record<Domain, HealthFlag>>;

const OK: HealthFlag = { level: "ok", why: null };

export const ALL_OK: Health = {
  transport: OK,
  session: OK,
  security: OK,
  policy: OK,
  observability: OK,
  cluster: OK,
};

/** A change worth a HealthChange record. */
export interface HealthChange {
  readonly domain: Domain;
  readonly from: HealthLevel;
  readonly to: HealthLevel;
  readonly why: string | null;
}

export interface HealthStep {
  readonly next: Health;
  /** `null` = the level is what it was. */
  readonly change: HealthChange | null;
}

/** Sets a domain's flag. The same level again is no change, also where its reason differs: the first reason stands. */
export function setHealth(health: Health, domain: Domain, level: HealthLevel, why: string | null = null): HealthStep {
  const from = health[domain].level;
  if (from === level) return { next: health, change: null };
  const flag: HealthFlag = level === "ok" ? OK : { level, why };
  return { next: { ...health, [domain]: flag }, change: { domain, from, to: level, why: flag.why } };
}

/** Only the levels, as the node's view shows them. */
export function levelsOf(health: Health): Readonly<Record<Domain, HealthLevel>> {
  return {
    transport: health.transport.level,
    session: health.session.level,
    security: health.security.level,
    policy: health.policy.level,
    observability: health.observability.level,
    cluster: health.cluster.level,
  };
}
