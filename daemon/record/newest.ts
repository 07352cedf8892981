/** The newest `max` items, in order. `add` is O(1) amortized. */
export class Newest<T> {
  readonly #max: number;
  #items: T[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  /** True where an older item had to go. */
  add(item: T): boolean {
    this.#items.push(item);
    if (this.#items.length >= 2 * this.#max) this.#items = this.#items.slice(-this.#max);
    return this.#items.length > this.#max;
  }

  items(): readonly T[] {
    return this.#items.slice(-this.#max);
  }
}
