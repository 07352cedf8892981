import type { DomainName } from "#kernel/contract/health";
import type { Turn } from "../turn.ts";

/** Of a fault's text, that much is kept. */
const FAULT_TEXT_MAX = 200;

/**
 * Calls into a domain. A domain that throws is a fault of ours: it is noted in the turn, which reports it once, and `fallback` is
 * what the other five go on with.
 */
export function guarded<T, F = T>(turn: Turn, domain: DomainName, work: () => T, fallback: F): T | F {
  try {
    const value = work();
    turn.worked.add(domain);
    return value;
  } catch (fault) {
    const what = fault instanceof Error ? `${fault.name}: ${fault.message}` : String(fault);
    if (!turn.faults.has(domain)) turn.faults.set(domain, what.slice(0, FAULT_TEXT_MAX));
    return fallback;
  }
}
