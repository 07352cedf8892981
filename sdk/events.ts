import { setTimeout as pause } from "node:timers/promises";
import type { EventGap, EventRecord } from "#kernel/contract/control";
import { ControlError } from "./errors.ts";
import { open } from "./request.ts";

export interface EventsOptions {
  /** Start with the records after this number. Default: only new records. */
  readonly since?: number;
  readonly signal?: AbortSignal;
  /** How long to retry after the connection is lost, ms; then `daemon_not_running` is thrown. Default: 0 = no retry. */
  readonly reconnectMs?: number;
}

/** One item of the stream: a record, or a gap that stands for missing records. */
export type StreamItem = EventRecord | EventGap;

const RETRY_MS = 200;
/** The daemon writes a comment every 15 s, so the stream is dead after a silence of this length. */
const SILENCE_MS_MAX = 45_000;
const LINE_BYTES_MAX = 1_048_576;

export function isGap(item: StreamItem): item is EventGap {
  return item.schema === "jumping-vpn/gap/v1";
}

/**
 * All records from now (or after `since`), in order. A lost connection is resumed after the last number; records that
 * are no longer available appear as a gap. Ends when the signal aborts.
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
  const hint = "see its log, then start it again with `jvpn up`";
  return new ControlError({
    code: "daemon_not_running",
    message: "the connection to the daemon is lost",
    why: "the daemon closed the event stream",
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
    if (!isReset(cause)) throw cause; // a killed daemon resets the connection: the stream has ended
  } finally {
    answer.destroy();
  }
}

function isReset(cause: unknown): boolean {
  return (
    cause instanceof Error && "code" in cause && (cause.code === "ECONNRESET" || cause.code === "ERR_STREAM_PREMATURE_CLOSE")
  );
}
