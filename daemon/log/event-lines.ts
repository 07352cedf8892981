import type { Log } from "#daemon/log/log";

/** Events per second that the log repeats; the record has all of them. */
const LINES_PER_S = 200;
const SECOND_MS = 1_000;

/** Repeats events in the operational log. If many sessions move at once, it only counts the events above the limit. */
export class EventLines {
  readonly #log: Log;
  readonly #bootMs: () => number;
  #from = 0;
  #lines = 0;
  #leftOut = 0;

  constructor(log: Log, bootMs: () => number) {
    this.#log = log;
    this.#bootMs = bootMs;
  }

  repeat(what: string, details: () => object): void {
    const now = this.#bootMs();
    if (now >= this.#from + SECOND_MS) {
      if (this.#leftOut > 0)
        this.#log.info({ count: this.#leftOut }, "events were left out of this log; the record has all of them");
      this.#from = now;
      this.#lines = 0;
      this.#leftOut = 0;
    }
    if (this.#lines >= LINES_PER_S) this.#leftOut++;
    else {
      this.#lines++;
      this.#log.info(details(), what);
    }
  }
}
