import { recordText } from "#domains/observability/envelope";
import { redactedEvent } from "#domains/observability/redact";
import { classOf } from "#domains/observability/registry";
import { type EventLoss, EventRing } from "#domains/observability/ring";
import type { EventRecord, StatusDocument, TimelineDocument } from "#kernel/contract/control";
import type { CoreEvent } from "#kernel/contract/event";
import type { HealthLevel } from "#kernel/contract/health";
import type { SessionId } from "#kernel/contract/state";
import { Chain, type ChainEnd } from "./chain.ts";
import { Fanout, type FanoutNews } from "./fanout.ts";
import { History } from "./history.ts";
import { missingEnd, type RecordMark } from "./mark.ts";
import type { OutletLimits } from "./outlet.ts";
import type { Sink } from "./sinks/sink.ts";
import { Subscriber } from "./subscriber.ts";

/** A record that waits for its place in the chain. */
interface Waiting {
  readonly seq: number;
  readonly session: SessionId | undefined;
  /** The canonical text of the record. */
  readonly text: string;
}

/**
 * Records that are processed before other work continues: this many, or half of the waiting ones, at most 32,768. If
 * the core makes records faster than that, processing them slows the core down, and no record is lost.
 */
const BATCH = 512;
const SUBSCRIBERS_MAX = 64;
/** The mark is at most this old, because each update needs a write that the disk confirms. */
const MARK_MS = 10_000;
/** Time from a mark that could not be stored to the next try, so that a recovery needs no new record. */
const MARK_RETRY_MS = 1_000;

interface RecorderOptions {
  readonly node: string;
  readonly sinks: readonly Sink[];
  readonly limits?: Partial<OutletLimits>;
  /** The end of the chain in the record file. */
  readonly end: ChainEnd;
  /** The same end, as the store has it. */
  readonly mark: RecordMark;
  readonly bootMs: () => number;
  /** Called when a sink or the store stops keeping records, and when all keep them again; for the operational log. */
  readonly healthChanged: (health: HealthLevel, why: string) => void;
}

/**
 *     core ──record()──► ring ──(later)──► hash chain ─┬► memory, readers
 *            O(1), never        bounded,               ├► outlet ──► sink (the file)
 *            waits or throws    loss is exact          └► outlet ──► sink …
 *
 * Each record is numbered and chained once. No failure here can delay or change a session, and no sink can delay
 * another one. Records that do not fit are lost; each loss is itself a record, which names the sink.
 */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #ring = new EventRing<Waiting>();
  readonly #history = new History();
  readonly #subscribers = new Set<Subscriber>();
  readonly #fanout: Fanout;
  #seq: number;
  #chain: Chain;
  #timeMs = Number.NaN;
  #timeText = "";
  #lost = 0;
  #health: HealthLevel = "ok";
  /** Why an event could not become a record, which is a fault of ours; `null` = all events could. */
  #fault: string | null = null;
  #markTrouble: string | null = null;
  #scheduled = false;
  /** Number of the newest record in the chain. */
  #handedOn: number;
  #marking: NodeJS.Timeout | null = null;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#seq = options.end.seq;
    this.#chain = new Chain(options.end.hash);
    const news: FanoutNews = {
      lost: (name, loss) => this.note("EventLoss", { of: name, ...loss }),
      changed: () => this.#settleHealth(),
    };
    this.#fanout = new Fanout(options.sinks, news, options.limits);
    this.#handedOn = this.#seq;
    this.#noteMissing(options.end);
  }

  get status(): StatusDocument["record"] {
    const { sinks } = this.#fanout;
    const lost = sinks.reduce((sum, one) => sum + one.lost, this.#lost);
    return { lastSeq: this.#seq, lost, trouble: this.#trouble, sinks };
  }

  get health(): HealthLevel {
    return this.#health;
  }

  /** Records an event of the core, which has already redacted it. */
  record(event: CoreEvent): void {
    this.#seq++;
    try {
      const seq = this.#seq;
      const text = recordText(event, { seq, time: this.#time(), node: this.#options.node });
      const record = { seq, session: event.session, text };
      this.#ring.push({ seq, class: classOf(event.type), bytes: text.length, record });
    } catch (cause) {
      this.#lost++;
      this.#fault = String(cause);
      this.#settleHealth();
    }
    this.#schedule();
  }

  /** Records an event of the daemon itself. It may contain error texts, so it is redacted here. */
  note(type: CoreEvent["type"], numbers: NonNullable<CoreEvent["numbers"]>, actor: CoreEvent["actor"] = "core"): void {
    const bootMs = Math.floor(this.#options.bootMs());
    this.record(redactedEvent({ type, bootMs, numbers, actor }));
  }

  timeline(session: string): Omit<TimelineDocument, "schema"> | null {
    this.#drain(Number.POSITIVE_INFINITY);
    const timeline = this.#history.timeline(session);
    return timeline === null ? null : { session, ...timeline };
  }

  /** `since` = start after this number; `null` = only new records. Returns `null` if there are too many readers. */
  subscribe(since: number | null): Subscriber | null {
    if (this.#subscribers.size >= SUBSCRIBERS_MAX) return null;
    this.#drain(Number.POSITIVE_INFINITY);
    const subscriber = new Subscriber();
    if (since !== null) {
      const { records, missing } = this.#history.after(since);
      if (missing !== null) subscriber.markGap(missing.first, missing.last);
      for (const record of records) subscriber.push(record);
    }
    this.#subscribers.add(subscriber);
    return subscriber;
  }

  unsubscribe(subscriber: Subscriber): void {
    subscriber.close();
    this.#subscribers.delete(subscriber);
  }

  /** Passes all records on, gives the sinks `ms` to keep them, and ends the readers. */
  async close(ms: number): Promise<void> {
    this.#drain(Number.POSITIVE_INFINITY);
    await this.#fanout.close(ms, () => this.#drain(Number.POSITIVE_INFINITY));
    this.#keepMark();
    if (this.#marking !== null) clearTimeout(this.#marking);
    for (const subscriber of this.#subscribers) subscriber.finish();
  }

  /** Many records are made within one millisecond, so its text is cached. */
  #time(): string {
    const ms = Date.now();
    if (ms !== this.#timeMs) {
      this.#timeMs = ms;
      this.#timeText = new Date(ms).toISOString();
    }
    return this.#timeText;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#drain(Math.max(BATCH, Math.ceil(this.#ring.size / 2)));
      if (this.#ring.size > 0) this.#schedule();
    });
  }

  #drain(max: number): void {
    for (const loss of this.#ring.takeLosses()) this.#recordLoss(loss);
    for (const entry of this.#ring.drain(max)) this.#handOn(entry.record);
    this.#fanout.start();
  }

  #handOn({ seq, session, text }: Waiting): void {
    const line = this.#chain.append(text);
    this.#handedOn = seq;
    this.#marking ??= setTimeout(() => this.#keepMark(), MARK_MS).unref();
    this.#history.add(session, line);
    if (this.#subscribers.size > 0) this.#publish(JSON.parse(line.toString()) as EventRecord);
    this.#fanout.push(seq, line);
  }

  #publish(record: EventRecord): void {
    for (const subscriber of this.#subscribers) subscriber.push(record);
  }

  /** Notes that the end of the file is missing. The missing numbers are not reused; the chain continues after them. */
  #noteMissing(end: ChainEnd): void {
    const mark = this.#options.mark.read();
    const missing = missingEnd(end, mark);
    if (missing === null || mark === null) return;
    this.#seq = mark.seq;
    this.#chain = new Chain(mark.hash);
    const { first, last } = missing;
    this.note("EventLoss", {
      of: "file",
      count: last - first + 1,
      first,
      last,
      why: "the end of the record is missing or changed",
    });
  }

  #keepMark(): void {
    if (this.#marking !== null) clearTimeout(this.#marking);
    this.#marking = null;
    try {
      this.#options.mark.write({ seq: this.#handedOn, hash: this.#chain.hash });
      this.#markTrouble = null;
    } catch (cause) {
      this.#markTrouble = `the mark of the newest record cannot be stored: ${String(cause)}`;
      this.#marking = setTimeout(() => this.#keepMark(), MARK_RETRY_MS).unref();
    }
    this.#settleHealth();
  }

  #recordLoss(loss: EventLoss): void {
    this.#lost += loss.count;
    this.note("EventLoss", { of: "ring", class: loss.class, count: loss.count, first: loss.first, last: loss.last });
  }

  get #trouble(): string | null {
    return this.#fault ?? this.#fanout.trouble ?? this.#markTrouble;
  }

  #settleHealth(): void {
    const why = this.#trouble;
    const health = this.#fault !== null ? "failed" : why !== null ? "degraded" : "ok";
    if (health === this.#health) return;
    const from = this.#health;
    this.#health = health;
    this.#options.healthChanged(health, why ?? "");
    if (health !== "failed") this.note("HealthChange", { domain: "observability", from, to: health, why });
  }
}
