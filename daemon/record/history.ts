import type { EventRecord } from "#kernel/contract/control";
import type { SessionId } from "#kernel/contract/state";
import { Newest } from "./newest.ts";

/** Newest records of the node that memory holds. */
const HISTORY_MAX = 4_096;
/** Records of one session, and sessions whose records are held; the session that was quiet longest goes first. */
const TIMELINE_MAX = 512;
const TIMELINES_MAX = 1_024;

interface Timeline {
  readonly events: Newest<EventRecord>;
  dropped: boolean;
}

/** The newest records in memory: of the node, and of each session. */
export class History {
  readonly #recent = new Newest<EventRecord>(HISTORY_MAX);
  readonly #timelines = new Map<SessionId, Timeline>();

  add(record: EventRecord): void {
    this.#recent.add(record);
    if (record.session !== undefined) this.#addTo(record.session, record);
  }

  /** Records after `seq`, oldest first; `missing` = the numbers in between that memory no longer holds. */
  after(seq: number): { readonly records: readonly EventRecord[]; readonly missing: { first: number; last: number } | null } {
    const all = this.#recent.items();
    const records = all.filter((record) => record.seq > seq);
    const oldest = all[0]?.seq;
    const missing = oldest !== undefined && oldest > seq + 1 ? { first: seq + 1, last: oldest - 1 } : null;
    return { records, missing };
  }

  timeline(session: SessionId): { readonly truncated: boolean; readonly events: readonly EventRecord[] } | null {
    const timeline = this.#timelines.get(session);
    return timeline === undefined ? null : { truncated: timeline.dropped, events: timeline.events.items() };
  }

  #addTo(session: SessionId, record: EventRecord): void {
    const timeline = this.#timelines.get(session) ?? { events: new Newest<EventRecord>(TIMELINE_MAX), dropped: false };
    if (timeline.events.add(record)) timeline.dropped = true;
    this.#timelines.delete(session);
    this.#timelines.set(session, timeline);
    const quietest = this.#timelines.size > TIMELINES_MAX ? this.#timelines.keys().next().value : undefined;
    if (quietest !== undefined) this.#timelines.delete(quietest);
  }
}
