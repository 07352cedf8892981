import type { EventRecord } from "#kernel/contract/control";
import type { CoreEvent } from "#kernel/contract/event";
import { withKeysInOrder } from "./canonical.ts";

const EVENT_SCHEMA = "jumping-vpn/event/v1";

/** What only the daemon knows: the record's number, the wall time as RFC 3339 text (for display), the node's name. */
interface Stamp {
  readonly seq: number;
  readonly time: string;
  readonly node: string;
}

/** A record before it has its place in the chain. */
type Unchained = Omit<EventRecord, "prev" | "hash">;

/**
 * Makes the record of an event, with members in the order of the canonical text. The event is already redacted, because
 * the record is not its only reader. A member without a value is `undefined`.
 */
function envelope(event: CoreEvent, { seq, time, node }: Stamp): Unchained {
  const { actor, bootMs, from, numbers, policy, reason, session, to, transport, type, version } = event;
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
  } satisfies { readonly [Member in keyof Required<Unchained>]: Unchained[Member] };
}

/** The canonical text of the event's record. `envelope` has already ordered the members. */
export function recordText(event: CoreEvent, stamp: Stamp): string {
  return JSON.stringify(envelope(event, stamp));
}
