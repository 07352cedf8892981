import type { CoreEvent } from "#kernel/contract/event";
import { withKeysInOrder } from "./canonical.ts";
import { redactedEvent } from "./redact.ts";

const EVENT_SCHEMA = "jumping-vpn/event/v1";

/** What only the shell knows of a record: its number, the wall time as RFC 3339 text (for display) and the node's name. */
interface Stamp {
  readonly seq: number;
  readonly time: string;
  readonly node: string;
}

/** One audit record as it is written, without `prev` and `hash`, which the shell adds when it drains the ring. */
interface EventRecord extends Omit<CoreEvent, "bootMs"> {
  readonly schema: typeof EVENT_SCHEMA;
  readonly seq: number;
  readonly time: string;
  readonly boot_ms: number;
  readonly node: string;
}

/**
 * Wraps a core event into its record, with keys redacted, and its members in the order of the canonical text. A member that says
 * nothing is `undefined`.
 */
function envelope(event: CoreEvent, { seq, time, node }: Stamp): EventRecord {
  const { actor, bootMs, from, numbers, policy, reason, session, to, transport, type, version } = redactedEvent(event);
  return {
    actor,
    boot_ms: bootMs,
    from,
    node,
    numbers: numbers === undefined ? undefined : withKeysInOrder(numbers),
    policy,
    reason,
    schema: EVENT_SCHEMA,
    seq,
    session,
    time,
    to,
    transport: transport === undefined ? undefined : { new: transport.new, old: transport.old },
    type,
    version,
  } satisfies { readonly [Member in keyof Required<EventRecord>]: EventRecord[Member] };
}

/** The canonical text of that record: `envelope` has put its members in order already. */
export function recordText(event: CoreEvent, stamp: Stamp): string {
  return JSON.stringify(envelope(event, stamp));
}
