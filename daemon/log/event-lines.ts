import type { Log } from "#daemon/log/log";

/** Lines about events in one second; the record has all of them. */
const LINES_PER_S = 200;
const SECOND_MS = 1_000;

/** Repeats events in the operational log. When a crowd moves at once, the log says how many it left out, and costs nothing. */
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
      if (this.#leftOut > 0) this.#log.info({ count: this.#leftOut }, "more events than the log repeats; they are in the record");
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
