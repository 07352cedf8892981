import type { EventClass } from "#kernel/contract/event";
import { Fifo } from "./fifo.ts";

const RECORDS_MAX = 65_536;
const BYTES_MAX = 64 * 1024 * 1024;
/** Of both, this share is kept for transitions and security: information never fills it. */
const RESERVE = 0.25;

/** Lowest first: what is dropped first. */
const CLASSES: readonly EventClass[] = ["info", "security", "transition"];

interface Entry<T> {
  readonly seq: number;
  readonly class: EventClass;
  readonly bytes: number;
  readonly record: T;
}

/** Exactly what is missing: `count` records of a class, the first and the last by number. */
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
 * What waits to be written. `push` is O(1) amortized, never waits and never throws: when full it drops the oldest of the lowest
 * class, be it the new one itself, and remembers what is missing. The one mutable container of this domain; the shell owns it.
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

  /** Takes the oldest `max` entries, in the order of their numbers. */
  drain(max: number): readonly Entry<T>[] {
    const taken: Entry<T>[] = [];
    while (taken.length < max) {
      const entry = this.#takeOldest();
      if (entry === undefined) break;
      taken.push(entry);
    }
    return taken;
  }

  /** What was lost since the last call, one per class. To be pushed as EventLoss records once there is room again. */
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
