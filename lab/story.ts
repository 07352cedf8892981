/**
 * Checks that the record contains the story that the failure matrix demands. A story is a list of lines. Each line
 * must match an event, in this order; other events may stand between them. A line is an event type, or `FROM→TO` for a
 * SessionStateChange. A reason may follow: `TransportDead link_down`, `ATTACHED→VOLATILE transport_dead`.
 */
import type { EventRecord } from "#sdk/index";

/** Returns the first line of the story that the record lacks, or `null` if it lacks none. */
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

/**
 * Checks that the versions of one session's transitions are 1, 2, 3 … and that each transition starts in the state in
 * which the previous one ended. Returns the first problem, or `null`.
 */
export function brokenChain(events: readonly EventRecord[], session: string): string | null {
  let version = 0;
  let state = "BIRTH";
  for (const event of events) {
    if (event.type !== "SessionStateChange" || event.session !== session) continue;
    if (event.version !== version + 1) return `version ${event.version} follows ${version}`;
    if (event.from !== state) return `version ${event.version} leaves ${event.from}, but the session was ${state}`;
    if (event.reason === undefined) return `version ${event.version} has no reason`;
    version = event.version;
    state = event.to ?? state;
  }
  return version === 0 ? "no transition was recorded" : null;
}
