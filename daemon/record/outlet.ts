import { LineQueue } from "./line-queue.ts";
import type { Batch, Sink } from "./sinks/sink.ts";

export interface OutletLimits {
  /** Bytes that wait for the sink, of 60,000 records or so; more are dropped and counted. */
  readonly waitingBytesMax: number;
  /** A sink is left alone for this long after a failed write. */
  readonly restMs: number;
  /** A sink that takes longer for one batch is in trouble. */
  readonly writeMsMax: number;
}

const LIMITS: OutletLimits = { waitingBytesMax: 32 * 1024 * 1024, restMs: 5_000, writeMsMax: 10_000 };

/** What a sink did not keep: `count` records, all of them within `first` … `last`. */
export interface SinkLoss {
  readonly count: number;
  readonly first: number;
  readonly last: number;
}

/**
 * Feeds one sink, so that its failures affect nothing else: `push` is O(1), never waits and never throws. Records
 * gather in a bounded queue while the sink works; each is kept by the sink or counted as lost, never both.
 */
export class Outlet {
  readonly #sink: Sink;
  readonly #limits: OutletLimits;
  readonly #changed: (outlet: Outlet) => void;
  readonly #queue: LineQueue;
  #trouble: string | null = null;
  #keptTo = 0;
  #lost = 0;
  #loss: SinkLoss | null = null;
  #underWay: Batch | null = null;
  #working: Promise<void> | null = null;
  #resting: NodeJS.Timeout | null = null;
  #abandoned = false;

  /** `changed`: the trouble began, is another one, or ended; when it ends, the loss can be taken. */
  constructor(sink: Sink, changed: (outlet: Outlet) => void, limits: Partial<OutletLimits> = {}) {
    this.#sink = sink;
    this.#changed = changed;
    this.#limits = { ...LIMITS, ...limits };
    this.#queue = new LineQueue(this.#limits.waitingBytesMax);
  }

  get name(): string {
    return this.#sink.name;
  }

  /** Why the sink does not keep the record; `null` = it does. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Number of the newest record that the sink kept; 0 = none since the start. */
  get keptTo(): number {
    return this.#keptTo;
  }

  /** Records lost since the start. */
  get lost(): number {
    return this.#lost;
  }

  /** True where nothing waits and nothing is under way. */
  get isDone(): boolean {
    return this.#queue.isEmpty && this.#underWay === null;
  }

  /** The loss since the last call; `null` = none. */
  takeLoss(): SinkLoss | null {
    const loss = this.#loss;
    this.#loss = null;
    return loss;
  }

  /** Queues a record; `line` ends with its newline, and is copied. `start` hands it on. */
  push(seq: number, line: Uint8Array): void {
    if (!this.#abandoned && this.#queue.add(seq, line)) return;
    this.#lose({ count: 1, first: seq, last: seq });
    if (!this.#abandoned) this.#setTrouble(this.#trouble ?? "it is too slow");
  }

  /** Hands on what waits, unless the sink is at work or left alone; it goes on by itself while records come. */
  start(): void {
    if (this.#working !== null || this.#resting !== null || this.#abandoned || this.#queue.isEmpty) return;
    this.#working = this.#work().finally(() => {
      this.#working = null;
      this.start();
    });
  }

  /**
   * Hands on what waits, also to a sink that is left alone. Resolves when that has succeeded or failed, at the latest
   * with `deadline`.
   */
  async flush(deadline: Promise<void>): Promise<void> {
    if (this.#abandoned) return;
    if (this.#resting !== null) clearTimeout(this.#resting);
    this.#resting = null;
    this.start();
    await Promise.race([this.#working, deadline]);
  }

  /** Counts as lost what the sink has not kept until now, and takes no more. */
  abandon(): void {
    this.#abandoned = true;
    if (this.#underWay !== null) this.#lose(this.#underWay);
    this.#underWay = null;
    if (!this.#queue.isEmpty) this.#lose(this.#queue.take());
    this.#trouble ??= "it did not keep everything before the end";
  }

  async close(deadline: Promise<void>): Promise<void> {
    this.#abandoned = true;
    if (this.#resting !== null) clearTimeout(this.#resting);
    await Promise.race([this.#closeSink(), deadline]);
  }

  async #work(): Promise<void> {
    while (!this.#queue.isEmpty && this.#resting === null && !this.#abandoned) {
      const batch = this.#queue.take();
      this.#underWay = batch;
      const failure = await this.#write(batch);
      // What was abandoned meanwhile is counted as lost already.
      if (this.#underWay !== batch) return;
      this.#underWay = null;
      this.#queue.release();
      if (failure === null) this.#kept(batch);
      else this.#failed(batch, failure);
    }
  }

  /** `null` = the sink has the batch. */
  async #write(batch: Batch): Promise<string | null> {
    const late = setTimeout(() => this.#setTrouble("it does not answer"), this.#limits.writeMsMax).unref();
    try {
      await this.#sink.write(batch);
      return null;
    } catch (cause) {
      return cause instanceof Error ? cause.message : String(cause);
    } finally {
      clearTimeout(late);
    }
  }

  #kept(batch: Batch): void {
    this.#keptTo = batch.last;
    if (this.#trouble === null) return;
    this.#trouble = null;
    this.#changed(this);
  }

  #failed(batch: Batch, why: string): void {
    this.#resting = setTimeout(() => {
      this.#resting = null;
      this.start();
    }, this.#limits.restMs).unref();
    this.#lose(batch);
    this.#setTrouble(why);
  }

  #lose({ count, first, last }: SinkLoss): void {
    this.#lost += count;
    const before = this.#loss;
    this.#loss = {
      count: (before?.count ?? 0) + count,
      first: Math.min(before?.first ?? first, first),
      last: Math.max(before?.last ?? last, last),
    };
  }

  #setTrouble(why: string): void {
    const changed = this.#trouble !== why;
    this.#trouble = why;
    if (changed) this.#changed(this);
  }

  async #closeSink(): Promise<void> {
    try {
      await this.#sink.close();
    } catch {
      // what it has not kept is counted as lost, and nothing else depends on it
    }
  }
}
