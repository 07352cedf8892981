import { causeText } from "#daemon/fault";
import type { Store } from "#daemon/store/database";

/** The addresses that each gateway's name had last. The store keeps them: a restart must not need a resolver. */
export class KnownNames {
  readonly #store: Store;
  readonly #failed: (why: string) => void;
  readonly #addresses = new Map<string, readonly string[]>();

  /** `failed` is called if the store fails; the addresses are then known to this process alone. */
  constructor(store: Store, failed: (why: string) => void) {
    this.#store = store;
    this.#failed = failed;
    this.#attempt(() => {
      for (const row of store.prepare("SELECT name, addresses FROM gateway_name").all()) {
        const { name, addresses } = row as { name: string; addresses: string };
        this.#addresses.set(name, JSON.parse(addresses) as string[]);
      }
    });
  }

  /** Empty if the name was never resolved. */
  of(name: string): readonly string[] {
    return this.#addresses.get(name) ?? [];
  }

  keep(name: string, addresses: readonly string[]): void {
    if (`${this.of(name)}` === `${addresses}`) return;
    this.#addresses.set(name, addresses);
    const insert = "INSERT OR REPLACE INTO gateway_name (name, addresses) VALUES (?, ?)";
    this.#attempt(() => this.#store.prepare(insert).run(name, JSON.stringify(addresses)));
  }

  /** Removes the names that the configuration has no longer. */
  forgetAllBut(names: readonly string[]): void {
    for (const name of [...this.#addresses.keys()].filter((known) => !names.includes(known))) {
      this.#addresses.delete(name);
      this.#attempt(() => this.#store.prepare("DELETE FROM gateway_name WHERE name = ?").run(name));
    }
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch (cause) {
      this.#failed(causeText(cause));
    }
  }
}
