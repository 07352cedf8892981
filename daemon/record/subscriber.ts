import type { EventGap, EventRecord } from "#kernel/contract/control";

/** Most records that wait for one reader. */
const WAITING_MAX = 4_096;

/**
 * The queue of one reader of the event stream. A reader that is too slow loses the oldest records and gets an exact gap
 * in their place. This affects no other reader.
 */
export class Subscriber {
  #waiting: EventRecord[] = [];
  #gap: { first: number; last: number; count: number } | null = null;
  #wake: (() => void) | null = null;
  #closed = false;
  #finished = false;

  push(record: EventRecord): void {
    if (this.#closed) return;
    if (this.#waiting.length >= WAITING_MAX) {
      const dropped = this.#waiting.splice(0, WAITING_MAX / 4);
      this.#lose(dropped[0]?.seq ?? record.seq, dropped.at(-1)?.seq ?? record.seq, dropped.length);
    }
    this.#waiting.push(record);
    this.#wake?.();
  }

  /** Adds a gap for records that were no longer in memory when the reader subscribed. */
  markGap(first: number, last: number): void {
    this.#lose(first, last, last - first + 1);
  }

  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  /** Ends the stream after the waiting records are read. */
  finish(): void {
    this.#finished = true;
    this.#wake?.();
  }

  /**
   * All waiting records, in order; `null` at the end of the stream. If no record waits, it resolves at the next push,
   * or after `idleMs` with an empty list.
   */
  async take(idleMs: number): Promise<readonly (EventRecord | EventGap)[] | null> {
    const empty = () => this.#waiting.length === 0 && this.#gap === null;
    if (empty() && !this.#closed && !this.#finished) await this.#sleep(idleMs);
    if (this.#closed || (this.#finished && empty())) return null;
    const gap = this.#gap;
    const records = this.#waiting;
    this.#gap = null;
    this.#waiting = [];
    return gap === null ? records : [{ schema: "jumping-vpn/gap/v1", ...gap }, ...records];
  }

  #lose(first: number, last: number, count: number): void {
    this.#gap = this.#gap === null ? { first, last, count } : { first: this.#gap.first, last, count: this.#gap.count + count };
  }

  #sleep(idleMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, idleMs);
      function done(): void {
        clearTimeout(timer);
        resolve();
      }
      this.#wake = () => {
        this.#wake = null;
        done();
      };
    });
  }
}
