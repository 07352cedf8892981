import type { RefusedHandshakes } from "#kernel/contract/control";
import type { CoreEvent } from "#kernel/contract/event";

/** Kinds of security events that are about a handshake. */
const KINDS: ReadonlySet<string> = new Set([
  "init_mac1",
  "init_rate",
  "init_repeated",
  "init_ceiling",
  "unknown_peer",
  "peer_removed",
  "confirmed_per_key_full",
  "handshake_forged",
  "no_common_suite",
  "no_common_version",
  "pq_unsupported",
]);
/** Causes that are kept: those above, and reasons of the core. */
const CAUSES_MAX = 64;

/** Counts the handshakes that came to nothing, for the status. The record has each event. */
export class Refusals {
  readonly #causes = new Map<string, RefusedHandshakes>();

  get view(): readonly RefusedHandshakes[] {
    return [...this.#causes.values()].toSorted((a, b) => b.count - a.count || a.cause.localeCompare(b.cause));
  }

  /** `event` is one that was recorded at `now`. */
  note({ type, numbers, from, to, reason }: CoreEvent, now: Date): void {
    const { kind, count, remote, key } = numbers as Readonly<Record<string, unknown>>;
    const text = (value: unknown) => (typeof value === "string" ? value : null);
    if (type === "SecurityEvent" && typeof kind === "string" && KINDS.has(kind))
      this.#count(kind, typeof count === "number" ? count : 1, now, text(remote), text(key));
    if (type === "SessionStateChange" && from === "BIRTH" && to === "TERMINATED" && reason !== undefined)
      this.#count(reason, 1, now, null, null);
  }

  #count(cause: string, more: number, now: Date, remote: string | null, key: string | null): void {
    const known = this.#causes.get(cause);
    if (known === undefined && this.#causes.size >= CAUSES_MAX) return;
    this.#causes.set(cause, { cause, count: (known?.count ?? 0) + more, lastAt: now.toISOString(), remote, key });
  }
}
