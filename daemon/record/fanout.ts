import type { SinkStatus } from "#kernel/contract/control";
import { invariant } from "#kernel/invariant";
import { Outlet, type OutletLimits, type SinkLoss } from "./outlet.ts";
import type { Sink } from "./sinks/sink.ts";

/** The share of the closing time for waiting records. The rest is for the records of what some sinks lost. */
const FLUSH_SHARE = 0.8;

export interface FanoutNews {
  /** The sink `name` lost these records, and its loss no longer grows. */
  lost(name: string, loss: SinkLoss): void;
  /** The trouble of a sink began, changed or ended. */
  changed(): void;
}

/** Passes each record to every sink through its own outlet: no sink can delay another one or make it lose a record. */
export class Fanout {
  readonly #news: FanoutNews;
  readonly #outlets: readonly Outlet[];

  constructor(sinks: readonly Sink[], news: FanoutNews, limits: Partial<OutletLimits> = {}) {
    const names = new Set(["ring", ...sinks.map(({ name }) => name)]);
    invariant(names.size === sinks.length + 1, "each sink has its own name, and none is named `ring`");
    this.#news = news;
    this.#outlets = sinks.map((sink) => new Outlet(sink, (outlet) => this.#changed(outlet), limits));
  }

  get sinks(): readonly SinkStatus[] {
    return this.#outlets.map(({ name, trouble, keptTo, lost }) => ({ name, trouble, keptTo, lost }));
  }

  /** The name of a sink that does not keep records, and why; `null` = all sinks keep them. */
  get trouble(): string | null {
    const troubled = this.#outlets.find(({ trouble }) => trouble !== null);
    return troubled === undefined ? null : `${troubled.name}: ${troubled.trouble}`;
  }

  /** Queues a record for every sink. `line` ends with its newline and is copied. */
  push(seq: number, line: Uint8Array): void {
    for (const outlet of this.#outlets) outlet.push(seq, line);
  }

  /** Passes queued records to the sinks. */
  start(): void {
    for (const outlet of this.#outlets) outlet.start();
  }

  /**
   * Gives the sinks `ms` to keep the waiting records, and closes them. The sinks that work also keep the records of
   * what the others lost. `pushAll` pushes the records that were made meanwhile.
   */
  async close(ms: number, pushAll: () => void): Promise<void> {
    await within(ms * FLUSH_SHARE, (deadline) => this.#flush(deadline));
    const failing = this.#outlets.filter((outlet) => !outlet.isDone || outlet.trouble !== null);
    pushAll();
    // If no sink works, none could keep the record of a loss. All of them then get the rest of the time.
    if (failing.length < this.#outlets.length) this.#endLosses(failing);
    pushAll();
    await within(ms * (1 - FLUSH_SHARE), async (deadline) => {
      await this.#flush(deadline);
      await Promise.all(this.#outlets.map((outlet) => outlet.close(deadline)));
    });
  }

  async #flush(deadline: Promise<void>): Promise<void> {
    await Promise.all(this.#outlets.map((outlet) => outlet.flush(deadline)));
  }

  /** A loss is reported when its sink works again, because it grows until then. */
  #changed(outlet: Outlet): void {
    if (outlet.trouble === null) this.#reportLoss(outlet);
    this.#news.changed();
  }

  #endLosses(failing: readonly Outlet[]): void {
    for (const outlet of failing) {
      outlet.abandon();
      this.#reportLoss(outlet);
    }
  }

  #reportLoss(outlet: Outlet): void {
    const loss = outlet.takeLoss();
    if (loss !== null) this.#news.lost(outlet.name, loss);
  }
}

async function within<T>(ms: number, work: (deadline: Promise<void>) => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    return await work(deadline);
  } finally {
    clearTimeout(timer);
  }
}
