import { DOMAIN_NAMES, type DomainName, type HealthLevel } from "#kernel/contract/health";
import { emit } from "../emit.ts";
import type { Turn } from "../turn.ts";

/** Reports the faults of a turn and updates the domains' health: `failed` if the domain threw in this turn. */
export function settleHealth(turn: Turn): void {
  for (const domain of DOMAIN_NAMES) {
    const what = turn.faults.get(domain);
    if (what !== undefined) emit(turn, { type: "DomainFault", actor: "core", numbers: { domain, what } });
    if (what !== undefined || turn.worked.has(domain))
      light(turn, domain, what === undefined ? wellness(turn, domain) : "failed");
  }
}

function light(turn: Turn, domain: DomainName, value: HealthLevel): void {
  const { world } = turn;
  const before = world.health[domain];
  if (before === value) return;
  world.health = { ...world.health, [domain]: value };
  emit(turn, { type: "HealthChange", actor: "core", numbers: { domain, from: before, to: value } });
}

function wellness(turn: Turn, domain: DomainName): "ok" | "degraded" {
  const { policy } = turn.world;
  return domain === "policy" && !policy.valid && policy.errors.length > 0 ? "degraded" : "ok";
}
