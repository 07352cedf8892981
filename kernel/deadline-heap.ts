import type { Millis } from "#kernel/time";

interface Node {
  readonly key: number;
  readonly at: Millis;
}

/**
 * The earliest of many deadlines, one per key. Setting and clearing cost O(log n). Equal times are ordered by key, so
 * that the order never depends on history.
 *
 *        2            each parent is earlier than its children;
 *      5   3          `#where` holds the index of each key
 *     9 6 8
 */
export class DeadlineHeap {
  readonly #nodes: Node[] = [];
  readonly #where = new Map<number, number>();

  get size(): number {
    return this.#nodes.length;
  }

  /** The earliest deadline, or `null`. */
  get earliest(): Millis | null {
    return this.#nodes[0]?.at ?? null;
  }

  /** Replaces the deadline of `key`; `null` clears it. */
  set(key: number, at: Millis | null): void {
    const place = this.#where.get(key);
    if (at === null) {
      if (place !== undefined) this.#remove(place);
    } else if (place === undefined) {
      this.#nodes.push({ key, at });
      this.#where.set(key, this.#nodes.length - 1);
      this.#up(this.#nodes.length - 1);
    } else if (this.#nodes[place]?.at !== at) {
      this.#nodes[place] = { key, at };
      this.#down(this.#up(place));
    }
  }

  /** Removes and returns the key with the earliest deadline if that is not after `now`; else `null`. */
  popDue(now: Millis): number | null {
    const first = this.#nodes[0];
    if (first === undefined || first.at > now) return null;
    this.#remove(0);
    return first.key;
  }

  /** All deadlines by key, earliest first. */
  entries(): readonly (readonly [key: number, at: Millis])[] {
    const sorted = [...this.#nodes].sort((a, b) => a.at - b.at || a.key - b.key);
    return sorted.map(({ key, at }) => [key, at] as const);
  }

  #remove(place: number): void {
    const removed = this.#nodes[place] as Node;
    const last = this.#nodes.pop() as Node;
    this.#where.delete(removed.key);
    if (place === this.#nodes.length) return;
    this.#nodes[place] = last;
    this.#where.set(last.key, place);
    this.#down(this.#up(place));
  }

  #up(from: number): number {
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!this.#before(place, parent)) break;
      this.#swap(place, parent);
      place = parent;
    }
    return place;
  }

  #down(from: number): void {
    let place = from;
    for (;;) {
      const left = 2 * place + 1;
      const right = left + 1;
      let least = place;
      if (left < this.#nodes.length && this.#before(left, least)) least = left;
      if (right < this.#nodes.length && this.#before(right, least)) least = right;
      if (least === place) return;
      this.#swap(place, least);
      place = least;
    }
  }

  #before(a: number, b: number): boolean {
    const left = this.#nodes[a] as Node;
    const right = this.#nodes[b] as Node;
    return left.at < right.at || (left.at === right.at && left.key < right.key);
  }

  #swap(a: number, b: number): void {
    const left = this.#nodes[a] as Node;
    const right = this.#nodes[b] as Node;
    this.#nodes[a] = right;
    this.#nodes[b] = left;
    this.#where.set(right.key, a);
    this.#where.set(left.key, b);
  }
}
