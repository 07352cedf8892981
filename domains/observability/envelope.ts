import type { CoreEvent } from "#kernel/contract/event";
import { redact } from "./redact.ts";

export const EVENT_SCHEMA = "jumping-vpn/event/v1";

/** What only the shell knows of a record: its number, the wall time as RFC 3339 text (for display) and the node's name. */
export interface Stamp {
  readonly seq: number;
  readonly time: string;
  readonly node: string;
}

/** One audit record as it is written, without `prev` and `hash`, which the shell adds when it drains the ring. */
export interface EventRecord extends Omit<CoreEvent, "bootMs" | "class"> {
  readonly schema: typeof EVENT_SCHEMA;
  readonly seq: number;
  readonly time: string;
  readonly boot_ms: number;
  readonly node: string;
}

/** Wraps a core event into its record, with keys redacted. */
export function envelope(event: CoreEvent, stamp: Stamp): EventRecord {
  const { bootMs, class: _class, type, ...rest } = redact(event);
  return { schema: EVENT_SCHEMA, seq: stamp.seq, time: stamp.time, boot_ms: bootMs, node: stamp.node, type, ...rest };
}
