import type { EventRecord } from "#kernel/contract/control";
import type { SessionId } from "#kernel/contract/state";
import { Lines } from "./lines.ts";

/** Newest records of the node that are in memory. */
const HISTORY_MAX = 4_096;
/**
 * Most records of one session, and most sessions with records in memory. The session whose newest record is the oldest
 * is removed first.
 */
const TIMELINE_MAX = 512;
const TIMELINES_MAX = 1_024;

interface Timeline {
  readonly lines: Lines;
  dropped: boolean;
}

/** The newest records of the node and of each session, in memory, as lines. They are parsed when they are read. */
export class History {
  readonly #recent = new Lines(HISTORY_MAX);
  readonly #timelines = new Map<SessionId, Timeline>();
  /** The session of the newest record. The next record is mostly about the same session. */
  #latest: { readonly session: SessionId | null; readonly timeline: Timeline } = { session: null, timeline: emptyTimeline() };

  /** `line` is a record and its newline. */
  add(session: SessionId | undefined, line: Uint8Array): void {
    this.#recent.add(line);
    if (session === undefined) return;
    if (session !== this.#latest.session) this.#latest = { session, timeline: this.#moveUp(session) };
    const { timeline } = this.#latest;
    if (timeline.lines.add(line)) timeline.dropped = true;
  }

  /** Records after `seq`, oldest first; `missing` = the numbers in between that are no longer in memory. */
  after(seq: number): { readonly records: readonly EventRecord[]; readonly missing: { first: number; last: number } | null } {
    const lines = this.#recent.all();
    const records: EventRecord[] = [];
    // Starts with the newest: a reader that reconnects has missed only a few records, and only these are parsed.
    for (const line of lines.toReversed()) {
      const record = read(line);
      if (record.seq <= seq) break;
      records.push(record);
    }
    const oldest = records.length === lines.length ? records.at(-1)?.seq : undefined;
    const missing = oldest !== undefined && oldest > seq + 1 ? { first: seq + 1, last: oldest - 1 } : null;
    return { records: records.reverse(), missing };
  }

  timeline(session: SessionId): { readonly truncated: boolean; readonly events: readonly EventRecord[] } | null {
    const timeline = this.#timelines.get(session);
    return timeline === undefined ? null : { truncated: timeline.dropped, events: timeline.lines.all().map(read) };
  }

  /** Makes this session the one with the newest record. */
  #moveUp(session: SessionId): Timeline {
    const timeline = this.#timelines.get(session) ?? this.#freshTimeline();
    this.#timelines.delete(session);
    this.#timelines.set(session, timeline);
    return timeline;
  }

  /** At the limit, reuses the timeline of the session whose newest record is the oldest. */
  #freshTimeline(): Timeline {
    const [quietest] = this.#timelines.size < TIMELINES_MAX ? [] : this.#timelines;
    if (quietest === undefined) return emptyTimeline();
    const [session, timeline] = quietest;
    this.#timelines.delete(session);
    timeline.lines.clear();
    timeline.dropped = false;
    return timeline;
  }
}

const emptyTimeline = (): Timeline => ({ lines: new Lines(TIMELINE_MAX), dropped: false });

const read = (line: string): EventRecord => JSON.parse(line) as EventRecord;
