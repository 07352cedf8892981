import type { StoreOutcome } from "#core/contract";
import { causeText } from "#daemon/fault";
import type { Store } from "#daemon/store/database";
import { LeaseBook, type LeaseTerms, OutcomeUnknown } from "#daemon/store/lease-book";
import type { StoreAnswer, StorePort, StoreRequest } from "#daemon/store/port";

/** Called with a failure of the store and its cause, for log and record. */
type Complain = (what: "lease_store_failed", why: string) => void;

/** The store of a single gateway: one SQLite file. It answers before `perform` returns. */
export class SqliteStore implements StorePort {
  readonly #book: LeaseBook;
  readonly #complain: Complain;

  constructor(store: Store, terms: LeaseTerms, complain: Complain) {
    this.#book = new LeaseBook(store, terms);
    this.#complain = complain;
  }

  /** The new terms are in force even if the store fails; that failure is recorded. */
  reconfigure(terms: LeaseTerms): void {
    try {
      this.#book.reconfigure(terms);
    } catch (cause) {
      this.#complain("lease_store_failed", causeText(cause));
    }
  }

  perform(requests: readonly StoreRequest[], answer: StoreAnswer): void {
    const outcomes = this.#leases(requests.map(({ operation }) => operation.key));
    for (const [index, { token }] of requests.entries()) answer(token, outcomes[index] ?? { is: "unknown" });
  }

  #leases(keys: readonly string[]): readonly StoreOutcome[] {
    try {
      return this.#book.leases(keys, Date.now());
    } catch (cause) {
      this.#complain("lease_store_failed", causeText(cause));
      const outcome: StoreOutcome =
        cause instanceof OutcomeUnknown ? { is: "unknown" } : { is: "refused", reason: "resource_exhausted" };
      return keys.map(() => outcome);
    }
  }
}
