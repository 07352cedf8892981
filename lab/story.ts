/**
 * Does the record tell the story that the failure matrix demands? A story is a list of lines, each of which an event must match, in
 * this order; other events may stand between. A line is an event type, or `FROM→TO` for a SessionStateChange, with a reason
 * behind it where the story needs one: `TransportDead link_down`, `ATTACHED→VOLATILE transport_dead`.
 */
import type { EventRecord } from "#sdk/index";

/** The first line of the story that the record lacks, or `null` when it tells the whole story. */
export function missingFrom(events: readonly EventRecord[], story: readonly string[]): string | null {
  let next = 0;
  for (const event of events) {
    const line = story[next];
    if (line === undefined) break;
    if (matches(event, line)) next += 1;
  }
  return story[next] ?? null;
}

function matches(event: EventRecord, line: string): boolean {
  const [what = "", reason] = line.split(" ");
  if (reason !== undefined && event.reason !== reason) return false;
  if (!what.includes("→")) return event.type === what;
  return event.type === "SessionStateChange" && `${event.from}→${event.to}` === what;
}

/** Versions of one session's transitions are 1, 2, 3 … and each starts where the last one ended. */
export function brokenChain(events: readonly EventRecord[], session: string): string | null {
  let version = 0;
  let state = "BIRTH";
  for (const event of events) {
    if (event.type !== "SessionStateChange" || event.session !== session) continue;
    if (event.version !== version + 1) return `version ${event.version} follows ${version}`;
    if (event.from !== state) return `version ${event.version} leaves ${event.from}, the session was ${state}`;
    if (event.reason === undefined) return `version ${event.version} has no reason`;
    version = event.version;
    state = event.to ?? state;
  }
  return version === 0 ? "no transition was recorded" : null;
}
