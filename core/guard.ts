import type { NodeView } from "#kernel/contract/view";
import { DOMAIN_NAMES, type DomainName } from "./domains.ts";
import { emit, type Turn } from "./turn.ts";

/**
 * Calls into a domain. A domain that throws is a fault of ours: it becomes one DomainFault per turn, and `fallback` is what the
 * other five go on with.
 */
export function guarded<T, F = T>(turn: Turn, domain: DomainName, work: () => T, fallback: F): T | F {
  try {
    const value = work();
    turn.worked.add(domain);
    return value;
  } catch (fault) {
    const first = !turn.failed.has(domain);
    turn.failed.add(domain);
    if (first && domain !== "observability") report(turn, domain, fault);
    return fallback;
  }
}

/** Moves the health flags once per turn: a domain that failed in it has failed, one that only worked is well. */
export function settleHealth(turn: Turn): void {
  for (const domain of DOMAIN_NAMES) {
    const failed = turn.failed.has(domain);
    if (!failed && !turn.worked.has(domain)) continue;
    setHealth(turn, domain, failed ? "failed" : wellness(turn, domain));
  }
}

export function setHealth(turn: Turn, domain: DomainName, value: NodeView["health"][DomainName]): void {
  const { world } = turn;
  const before = world.health[domain];
  if (before === value) return;
  world.health = { ...world.health, [domain]: value };
  emit(turn, { type: "HealthChange", class: "info", actor: "core", numbers: { domain, from: before, to: value } });
}

function wellness(turn: Turn, domain: DomainName): "ok" | "degraded" {
  const { policy } = turn.world;
  return domain === "policy" && !policy.valid && policy.errors.length > 0 ? "degraded" : "ok";
}

function report(turn: Turn, domain: DomainName, fault: unknown): void {
  const what = fault instanceof Error ? `${fault.name}: ${fault.message}` : String(fault);
  emit(turn, { type: "DomainFault", class: "security", actor: "core", numbers: { domain, what: what.slice(0, 200) } });
}
