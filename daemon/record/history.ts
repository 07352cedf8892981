import type { EventRecord } from "#kernel/contract/control";
import type { SessionId } from "#kernel/contract/state";
import { Newest } from "./newest.ts";

/** Newest records of the node that memory holds. */
const HISTORY_MAX = 4_096;
/** Records of one session, and sessions whose records are held; the session that was quiet longest goes first. */
const TIMELINE_MAX = 512;
const TIMELINES_MAX = 1_024;

/**
 * A record as its line, without the newline. Lines are read when somebody asks: thousands of small objects that live for a while are
 * what a collector of garbage is slowest with.
 */
interface Line {
  readonly seq: number;
  readonly text: string;
}

interface Timeline {
  readonly lines: Newest<Line>;
  dropped: boolean;
}

/** The newest records in memory: of the node, and of each session. */
export class History {
  readonly #recent = new Newest<Line>(HISTORY_MAX);
  readonly #timelines = new Map<SessionId, Timeline>();
  /** Whose record came last: mostly the next one is its, too. */
  #latest: { readonly session: SessionId | null; readonly timeline: Timeline } = { session: null, timeline: emptyTimeline() };

  add(seq: number, session: SessionId | undefined, text: string): void {
    const line = { seq, text };
    this.#recent.add(line);
    if (session !== undefined) this.#addTo(session, line);
  }

  /** Records after `seq`, oldest first; `missing` = the numbers in between that memory no longer holds. */
  after(seq: number): { readonly records: readonly EventRecord[]; readonly missing: { first: number; last: number } | null } {
    const all = this.#recent.items();
    const records = all.filter((line) => line.seq > seq).map(read);
    const oldest = all[0]?.seq;
    const missing = oldest !== undefined && oldest > seq + 1 ? { first: seq + 1, last: oldest - 1 } : null;
    return { records, missing };
  }

  timeline(session: SessionId): { readonly truncated: boolean; readonly events: readonly EventRecord[] } | null {
    const timeline = this.#timelines.get(session);
    return timeline === undefined ? null : { truncated: timeline.dropped, events: timeline.lines.items().map(read) };
  }

  #addTo(session: SessionId, line: Line): void {
    if (session !== this.#latest.session) this.#latest = { session, timeline: this.#moveUp(session) };
    const { timeline } = this.#latest;
    if (timeline.lines.add(line)) timeline.dropped = true;
  }

  /** The session becomes the one that spoke last, and the one that was quiet longest may have to go for it. */
  #moveUp(session: SessionId): Timeline {
    const timeline = this.#timelines.get(session) ?? emptyTimeline();
    this.#timelines.delete(session);
    this.#timelines.set(session, timeline);
    const quietest = this.#timelines.size > TIMELINES_MAX ? this.#timelines.keys().next().value : undefined;
    if (quietest !== undefined) this.#timelines.delete(quietest);
    return timeline;
  }
}

function emptyTimeline(): Timeline {
  return { lines: new Newest<Line>(TIMELINE_MAX), dropped: false };
}

const read = ({ text }: Line): EventRecord => JSON.parse(text) as EventRecord;
