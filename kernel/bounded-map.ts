import { invariant } from "#kernel/invariant";

/** A map with a capacity. When full it refuses a new key and never evicts: the owner decides what to drop. */
export class BoundedMap<K, V> {
  readonly capacity: number;
  readonly #entries = new Map<K, V>();

  /** `capacity` is a whole number ≥ 1. */
  constructor(capacity: number) {
    invariant(Number.isSafeInteger(capacity) && capacity >= 1, "a map's capacity is a whole number of at least 1");
    this.capacity = capacity;
  }

  get size(): number {
    return this.#entries.size;
  }

  get full(): boolean {
    return this.#entries.size >= this.capacity;
  }

  get(key: K): V | undefined {
    return this.#entries.get(key);
  }

  has(key: K): boolean {
    return this.#entries.has(key);
  }

  /** Returns false and stores nothing when the key is new and the map is full. */
  set(key: K, value: V): boolean {
    if (this.full && !this.#entries.has(key)) return false;
    this.#entries.set(key, value);
    return true;
  }

  delete(key: K): boolean {
    return this.#entries.delete(key);
  }

  /** In order of insertion. */
  entries(): IterableIterator<[K, V]> {
    return this.#entries.entries();
  }

  keys(): IterableIterator<K> {
    return this.#entries.keys();
  }

  values(): IterableIterator<V> {
    return this.#entries.values();
  }
}
