import type { Lease } from "#core/contract";
import type { GatewaySettings } from "#daemon/config/gateway";
import { LeaseBook } from "#daemon/lease/lease-book";
import { sessionMtu } from "#daemon/policy/mtu";
import type { Store } from "#daemon/store";
import type { PolicySet } from "#domains/policy/model";
import type { Report } from "#kernel/contract/engine.generated";

/** Runs what needs the store; `undefined` where that failed, which has been told as `what`. */
type Attempt = <T>(what: "lease_store_failed", work: () => T) => T | undefined;

/** The leases of a gateway's handshakes: those of a batch are kept before the first of them is answered. A store that fails costs these. */
export class HandshakeLeases {
  readonly #book: LeaseBook;
  readonly #attempt: Attempt;
  /** Of the batch that is being worked off, by key. */
  #made: ReadonlyMap<string, Lease> = new Map();
  #groups: ReadonlyMap<string, string | null> = new Map();

  constructor(store: Store, settings: GatewaySettings, attempt: Attempt) {
    this.#book = new LeaseBook(store, settings);
    this.#attempt = attempt;
  }

  reconfigure(settings: GatewaySettings): void {
    this.#groups = new Map(settings.clients.map(({ key, group }) => [key, group]));
    this.#attempt("lease_store_failed", () => this.#book.reconfigure(settings));
  }

  expect(reports: readonly Report[]): void {
    const keys = new Set(reports.flatMap((report) => (report.type === "HandshakeConfirmed" ? [report.clientKey] : [])));
    const wanted = [...keys];
    const made = keys.size === 0 ? [] : this.#attempt("lease_store_failed", () => this.#book.leases(wanted, Date.now()));
    this.#made = new Map(made?.map((lease, index) => [wanted[index] ?? "", lease]));
  }

  /** Of a client of the batch; `mtu`: of the tunnel, where the client's policy asks for no smaller one. */
  leaseFor(key: string, mtu: number, policy: PolicySet | null): Lease {
    const lease = this.#made.get(key);
    if (lease === undefined) return { ok: false, reason: "resource_exhausted" };
    if (!lease.ok) return lease;
    return { ok: true, assignment: { ...lease.assignment, mtu: sessionMtu(mtu, policy, this.#groups.get(key) ?? null) } };
  }
}
