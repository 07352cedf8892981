import { setTimeout as pause } from "node:timers/promises";
import type { EventGap, EventRecord } from "#kernel/contract/control";
import { ControlError } from "./errors.ts";
import { open } from "./request.ts";

export interface EventsOptions {
  /** Records after this number; left out: only new ones. */
  readonly since?: number;
  readonly signal?: AbortSignal;
  /** How long to go on when the daemon goes away, ms; then it is thrown as `daemon_not_running`. 0 = at once. */
  readonly reconnectMs?: number;
}

/** A line of the stream: a record, or the mark of records that are missing from it. */
export type StreamItem = EventRecord | EventGap;

const RETRY_MS = 200;
/** The daemon writes a comment every 15 s: a longer silence is a dead stream. */
const SILENCE_MS_MAX = 45_000;
const LINE_BYTES_MAX = 1_048_576;

export function isGap(item: StreamItem): item is EventGap {
  return item.schema === "jumping-vpn/gap/v1";
}

/**
 * All records from now (or from `since`), in order, without end; a lost connection is resumed at the last number, and
 * what cannot be had any more is a gap. Ends when the signal aborts.
 */
export async function* streamEvents(socket: string, options: EventsOptions = {}): AsyncGenerator<StreamItem> {
  const { signal, reconnectMs = 0 } = options;
  let since = options.since;
  let retriesLeft = Math.ceil(reconnectMs / RETRY_MS);
  for (;;) {
    try {
      for await (const item of once(socket, since, signal)) {
        since = isGap(item) ? item.last : item.seq;
        retriesLeft = Math.ceil(reconnectMs / RETRY_MS);
        yield item;
      }
    } catch (cause) {
      if (signal?.aborted) return;
      if (!(cause instanceof ControlError) || cause.code !== "daemon_not_running" || retriesLeft === 0) throw cause;
    }
    if (signal?.aborted) return;
    retriesLeft--;
    if (retriesLeft < 0) throw gone();
    await pause(RETRY_MS);
  }
}

function gone(): ControlError {
  const hint = "see its log; start it again with `jvpn up`";
  return new ControlError({
    code: "daemon_not_running",
    message: "the daemon went away",
    why: "it closed the stream of events",
    hint,
    retryAfterMs: null,
  });
}

async function* once(socket: string, since: number | undefined, signal: AbortSignal | undefined): AsyncGenerator<StreamItem> {
  const path = `/v1/events${since === undefined ? "" : `?since=${since}`}`;
  const answer = await open(socket, {
    method: "GET",
    path,
    timeoutMs: SILENCE_MS_MAX,
    ...(signal === undefined ? {} : { signal }),
  });
  answer.setEncoding("utf8");
  let pending = "";
  try {
    for await (const chunk of answer as AsyncIterable<string>) {
      const lines = (pending + chunk).split("\n");
      pending = lines.pop() ?? "";
      if (pending.length > LINE_BYTES_MAX) throw new Error("a line of the event stream is too long");
      for (const line of lines) {
        if (line.startsWith("data:")) yield JSON.parse(line.slice(5)) as StreamItem;
      }
    }
  } catch (cause) {
    if (!isReset(cause)) throw cause; // a daemon that was killed ends the stream hard: the same as an end
  } finally {
    answer.destroy();
  }
}

function isReset(cause: unknown): boolean {
  return (
    cause instanceof Error && "code" in cause && (cause.code === "ECONNRESET" || cause.code === "ERR_STREAM_PREMATURE_CLOSE")
  );
}
