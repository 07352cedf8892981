import type { EventClass } from "#kernel/contract/event";
import { Fifo } from "./fifo.ts";

const RECORDS_MAX = 65_536;
const BYTES_MAX = 64 * 1024 * 1024;
/** Share of both limits that is reserved for transitions and security. */
const RESERVE = 0.25;

/** In the order in which they are dropped. */
const CLASSES: readonly EventClass[] = ["info", "security", "transition"];

interface Entry<T> {
  readonly seq: number;
  readonly class: EventClass;
  readonly bytes: number;
  readonly record: T;
}

/** Dropped records of one class: their count, and the first and last number. */
export interface EventLoss {
  readonly class: EventClass;
  readonly count: number;
  readonly first: number;
  readonly last: number;
}

interface RingLimits {
  readonly records: number;
  readonly bytes: number;
}

/**
 * The records that wait to be written. `push` is O(1) amortized, never waits and never throws. When full it drops the
 * oldest record of the lowest class, which can be the new one, and counts the loss. It is the only mutable container of
 * this domain; the daemon owns it.
 */
export class EventRing<T> {
  readonly #limits: RingLimits;
  readonly #queues: Readonly<Record<EventClass, Fifo<Entry<T>>>> = {
    info: new Fifo(),
    security: new Fifo(),
    transition: new Fifo(),
  };
  readonly #losses = new Map<EventClass, EventLoss>();
  #records = 0;
  #bytes = 0;
  #infoBytes = 0;

  constructor(limits: RingLimits = { records: RECORDS_MAX, bytes: BYTES_MAX }) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#records;
  }

  push(entry: Entry<T>): void {
    this.#queues[entry.class].push(entry);
    this.#count(entry, 1);
    while (this.#infoIsOver()) this.#drop("info");
    while (this.#isOver()) this.#drop(CLASSES.find((name) => this.#queues[name].size > 0) ?? "info");
  }

  /** Removes and returns the oldest `max` entries, in the order of their numbers. */
  drain(max: number): readonly Entry<T>[] {
    const taken: Entry<T>[] = [];
    while (taken.length < max) {
      const entry = this.#takeOldest();
      if (entry === undefined) break;
      taken.push(entry);
    }
    return taken;
  }

  /** Returns the losses since the last call, one per class. The caller pushes them as EventLoss records. */
  takeLosses(): readonly EventLoss[] {
    const losses = CLASSES.flatMap((name) => this.#losses.get(name) ?? []);
    this.#losses.clear();
    return losses;
  }

  get hasLosses(): boolean {
    return this.#losses.size > 0;
  }

  #isOver(): boolean {
    return this.#records > this.#limits.records || this.#bytes > this.#limits.bytes;
  }

  #infoIsOver(): boolean {
    const share = 1 - RESERVE;
    return this.#queues.info.size > this.#limits.records * share || this.#infoBytes > this.#limits.bytes * share;
  }

  #drop(name: EventClass): void {
    const entry = this.#queues[name].shift();
    if (entry === undefined) return;
    this.#count(entry, -1);
    const before = this.#losses.get(name);
    this.#losses.set(name, {
      class: name,
      count: (before?.count ?? 0) + 1,
      first: Math.min(before?.first ?? entry.seq, entry.seq),
      last: Math.max(before?.last ?? entry.seq, entry.seq),
    });
  }

  #takeOldest(): Entry<T> | undefined {
    let oldest: Entry<T> | undefined;
    for (const name of CLASSES) {
      const head = this.#queues[name].peek();
      if (head !== undefined && (oldest === undefined || head.seq < oldest.seq)) oldest = head;
    }
    if (oldest === undefined) return undefined;
    this.#queues[oldest.class].shift();
    this.#count(oldest, -1);
    return oldest;
  }

  #count(entry: Entry<T>, sign: 1 | -1): void {
    this.#records += sign;
    this.#bytes += sign * entry.bytes;
    if (entry.class === "info") this.#infoBytes += sign * entry.bytes;
  }
}
