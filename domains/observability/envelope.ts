import type { CoreEvent } from "#kernel/contract/event";
import { withKeysInOrder } from "./canonical.ts";
import { redact } from "./redact.ts";

export const EVENT_SCHEMA = "jumping-vpn/event/v1";

const NOTHING = {} as const;

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

/** Wraps a core event into its record, with keys redacted, and its members in the order of the canonical text. */
export function envelope(event: CoreEvent, stamp: Stamp): EventRecord {
  const { bootMs, class: _class, actor, from, numbers, policy, reason, session, to, transport, type, version } = redact(event);
  // An object keeps the order in which it was made; members that are absent stay absent.
  return {
    actor,
    boot_ms: bootMs,
    ...(from === undefined ? NOTHING : { from }),
    node: stamp.node,
    ...(numbers === undefined ? NOTHING : { numbers: withKeysInOrder(numbers) }),
    ...(policy === undefined ? NOTHING : { policy }),
    ...(reason === undefined ? NOTHING : { reason }),
    schema: EVENT_SCHEMA,
    seq: stamp.seq,
    ...(session === undefined ? NOTHING : { session }),
    time: stamp.time,
    ...(to === undefined ? NOTHING : { to }),
    ...(transport === undefined ? NOTHING : { transport: { new: transport.new, old: transport.old } }),
    type,
    ...(version === undefined ? NOTHING : { version }),
  };
}
