import { EVENT_KINDS } from "#domains/observability/registry";
import type { EventRecord } from "#kernel/contract/control";
import { EVENT_TYPES, type EventClass } from "#kernel/contract/event";
import { code, type Page, page, table } from "./markdown.ts";

const FIELDS: Readonly<Record<keyof EventRecord, string>> = {
  schema: "always `jumping-vpn/event/v1`; fields are only ever added to it",
  seq: "number of the record on this node; rises by one per record, across restarts",
  time: "wall time in UTC, RFC 3339; for display only",
  node: "name of the node that wrote it",
  type: "one of the types below",
  boot_ms: "`CLOCK_BOOTTIME` in milliseconds, which includes suspend; all decisions use this clock",
  session: "id of the session, if the event has one",
  version: "version of the session after the event; rises by one per transition, so that a gap shows a lost record",
  from: "state before (`SessionStateChange`)",
  to: "state after (`SessionStateChange`)",
  reason: "a code of [reasons.md](reasons.md)",
  transport: "labels of the active transport before and after, such as `wlan0/udp4`; `null` = none",
  numbers: "the values behind the decision: threshold and measured value, budget and use, time until the next permitted attempt",
  policy: "name and version of the policy in force, such as `standard@17`",
  actor: "who caused it: `core`, `engine`, `peer`, or `operator:` and a name",
  prev: "hash of the previous record",
  hash: "BLAKE2s-256 of `prev` and this record without `prev` and `hash`, keys in order",
};

const CLASSES: Readonly<Record<EventClass, string>> = {
  transition: "the life of sessions; dropped last. Part of the ring is reserved for it and for `security`",
  security: "refusals, keys, policies, faults and lost records; uses the same reserved part",
  info: "everything else; dropped first",
};

/** The audit record: its fields, its classes, its types. */
export function events(): Page {
  const fields = Object.entries(FIELDS).map(([name, meaning]) => [code(name), meaning]);
  const classes = Object.entries(CLASSES).map(([name, meaning]) => [code(name), meaning]);
  const types = EVENT_TYPES.map((type) => [code(type), EVENT_KINDS[type].class, EVENT_KINDS[type].text]);
  return page("events.md", "kernel/contract and domains/observability/registry.ts", "Events", [
    "Each record is one JSON line. `jvpn watch` streams all records, `jvpn session ID --timeline` shows those of one session, and the daemon appends them to its record file.",
    "## Types",
    table(["type", "class", "meaning"], types),
    "## Classes",
    "The class is a property of the type. It decides which events are dropped when the record overflows. Every loss is recorded with its exact number as `EventLoss`.",
    table(["class", "meaning"], classes),
    "## Fields",
    table(["field", "meaning"], fields),
  ]);
}
