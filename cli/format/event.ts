import type { EventRecord, StreamItem } from "#sdk/index";
import { isGap } from "#sdk/index";
import type { Io } from "../io.ts";
import { shortId } from "./session.ts";
import { cut, paint } from "./text.ts";

/** One record, or a gap of missing records, as one line. */
export function eventLine(io: Io, item: StreamItem): string {
  if (isGap(item)) return paint(io, "red", `-- ${item.count} records are missing (${item.first} … ${item.last}) --`);
  const clock = item.time.slice(11, 23);
  const session = shortId(item.session ?? "").padEnd(11);
  const text = `${clock}  ${session}  ${paint(io, tone(item), item.type)}  ${story(item)}`;
  return cut(io, text);
}

function story(record: EventRecord): string {
  const edge = record.from === undefined ? "" : `${record.from} → ${record.to ?? "?"}`;
  const move = record.transport === undefined ? "" : `${record.transport.old ?? "none"} → ${record.transport.new ?? "none"}`;
  const numbers = Object.entries(record.numbers ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
  return [edge, move === "none → none" ? "" : move, record.reason ?? "", numbers].filter((part) => part !== "").join("  ");
}

const ALARMS: readonly EventRecord["type"][] = [
  "SessionTerminated",
  "SecurityEvent",
  "DomainFault",
  "ConfigFailure",
  "KeyExpired",
  "RekeyDenied",
  "EventLoss",
];
const CHANGES: readonly EventRecord["type"][] = [
  "SessionStateChange",
  "SessionCreated",
  "TransportDead",
  "TransportSwitchDenied",
  "AuthorityLost",
];

function tone(record: EventRecord): "green" | "yellow" | "red" | "dim" {
  if (ALARMS.includes(record.type)) return "red";
  if (record.to === "ATTACHED" || record.type === "TransportSwitch") return "green";
  return CHANGES.includes(record.type) ? "yellow" : "dim";
}
