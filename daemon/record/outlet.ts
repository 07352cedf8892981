import { LineQueue } from "./line-queue.ts";
import type { Batch, Sink } from "./sinks/sink.ts";

export interface OutletLimits {
  /** Most bytes that wait for the sink, about 60,000 records; further records are dropped and counted. */
  readonly waitingBytesMax: number;
  /** Time from a failed write to the next try with the same records: the sink is in trouble this much too long. */
  readonly restMs: number;
  /** After this time for one batch, the sink is reported as not answering. */
  readonly writeMsMax: number;
}

const LIMITS: OutletLimits = { waitingBytesMax: 32 * 1024 * 1024, restMs: 1_000, writeMsMax: 10_000 };

/** The records that a sink lost: `count` records within `first` … `last`. */
export interface SinkLoss {
  readonly count: number;
  readonly first: number;
  readonly last: number;
}

/**
 * Feeds one sink, so that its failures affect nothing else: `push` is O(1), never waits and never throws. Records wait
 * in a bounded queue while the sink works or fails. A batch that it refused is tried again, so a recovery needs no new
 * record. Each record is either kept by the sink or counted as lost, never both.
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
  /** The batch that the sink works on, or that it refused last. */
  #underWay: Batch | null = null;
  #working: Promise<void> | null = null;
  #resting: NodeJS.Timeout | null = null;
  #abandoned = false;

  /** `changed` is called when the trouble begins, changes or ends. When it has ended, the loss can be taken. */
  constructor(sink: Sink, changed: (outlet: Outlet) => void, limits: Partial<OutletLimits> = {}) {
    this.#sink = sink;
    this.#changed = changed;
    this.#limits = { ...LIMITS, ...limits };
    this.#queue = new LineQueue(this.#limits.waitingBytesMax);
  }

  get name(): string {
    return this.#sink.name;
  }

  /** Why the sink does not keep records; `null` = it keeps them. */
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

  /** True if no record waits or is under way. */
  get isDone(): boolean {
    return this.#queue.isEmpty && this.#underWay === null;
  }

  /** The loss since the last call; `null` = none. */
  takeLoss(): SinkLoss | null {
    const loss = this.#loss;
    this.#loss = null;
    return loss;
  }

  /** Queues a record. `line` ends with its newline and is copied. `start` passes it to the sink. */
  push(seq: number, line: Uint8Array): void {
    if (!this.#abandoned && this.#queue.add(seq, line)) return;
    this.#lose({ count: 1, first: seq, last: seq });
    if (!this.#abandoned) this.#setTrouble(this.#trouble ?? "it is too slow");
  }

  /** Passes waiting records to the sink, unless it works or rests. Continues by itself until no record waits. */
  start(): void {
    if (this.#working !== null || this.#resting !== null || this.#abandoned || this.isDone) return;
    this.#working = this.#work().finally(() => {
      this.#working = null;
      this.start();
    });
  }

  /**
   * Passes waiting records to the sink, even if it rests. Resolves when that has succeeded or failed, at the latest
   * with `deadline`.
   */
  async flush(deadline: Promise<void>): Promise<void> {
    if (this.#abandoned) return;
    if (this.#resting !== null) clearTimeout(this.#resting);
    this.#resting = null;
    this.start();
    await Promise.race([this.#working, deadline]);
  }

  /** Counts all records that the sink has not kept as lost, and accepts no more. */
  abandon(): void {
    this.#abandoned = true;
    if (this.#underWay !== null) this.#lose(this.#underWay);
    this.#underWay = null;
    if (!this.#queue.isEmpty) this.#lose(this.#queue.take());
    this.#trouble ??= "it did not keep all records before the end";
  }

  async close(deadline: Promise<void>): Promise<void> {
    this.#abandoned = true;
    if (this.#resting !== null) clearTimeout(this.#resting);
    await Promise.race([this.#closeSink(), deadline]);
  }

  async #work(): Promise<void> {
    while (!this.isDone && this.#resting === null && !this.#abandoned) {
      const batch = this.#underWay ?? this.#queue.take();
      this.#underWay = batch;
      const failure = await this.#write(batch);
      // A batch that was abandoned meanwhile is already counted as lost.
      if (this.#underWay !== batch) return;
      if (failure === null) this.#kept(batch);
      else this.#failed(failure);
    }
  }

  /** Why the write failed; `null` = the sink has kept the batch. */
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
    this.#underWay = null;
    this.#queue.release();
    this.#keptTo = batch.last;
    if (this.#trouble === null) return;
    this.#trouble = null;
    this.#changed(this);
  }

  #failed(why: string): void {
    this.#resting = setTimeout(() => {
      this.#resting = null;
      this.start();
    }, this.#limits.restMs).unref();
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
      // records that it did not keep are counted as lost; nothing else depends on the close
    }
  }
}
