import type { DomainName } from "#kernel/contract/health";
import type { Turn } from "../turn.ts";

/** Maximum length of a fault's text, characters. */
const FAULT_TEXT_MAX = 200;

/**
 * Calls into a domain and returns its result. A domain that throws is our own bug: the turn notes it, reports it once,
 * and the other five domains continue with `fallback`.
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
