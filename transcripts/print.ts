import type { Effect } from "#core/contract";
import type { Command } from "#kernel/contract/engine.generated";
import type { CoreEvent } from "#kernel/contract/event";

/** One effect as a line of a transcript; `null` if transcripts leave it out. */
export function lineOf(effect: Effect): string | null {
  switch (effect.type) {
    case "Engine":
      return `→ ${commandLine(effect.command)}`;
    case "Event":
      return `• ${eventLine(effect.event)}`;
    case "Store":
      return `→ Store token=${effect.token} ${effect.operation.type} key=${effect.operation.key}`;
    case "Tunnel":
      return `→ Tunnel ${effect.assignment?.v4 ?? "none"}`;
    case "Reply":
      return effect.outcome.ok
        ? `⇒ ok ${JSON.stringify(effect.outcome.value)}`
        : `⇒ ${effect.outcome.error.code}: ${effect.outcome.error.message}`;
    case "Wake":
      return null;
  }
}

/** Prints the fields of a path's description beside those of the command. */
function commandLine({ type, ...rest }: Command): string {
  const { description, ...others } = { description: {}, ...rest };
  return [type, ...Object.entries({ ...others, ...description }).map(([key, value]) => `${key}=${shown(value)}`)].join(" ");
}

function eventLine(event: CoreEvent): string {
  const { type, session, version, from, to, reason, transport, numbers, actor } = event;
  const words = [type as string];
  if (session !== undefined) words.push(`${session} v${version}`);
  if (from !== undefined && to !== undefined) words.push(`${from} → ${to}`);
  if (reason !== undefined) words.push(reason);
  if (transport !== undefined) words.push(`[${transport.old ?? "–"} → ${transport.new ?? "–"}]`);
  for (const [key, value] of Object.entries(numbers ?? {})) words.push(`${key}=${shown(value)}`);
  words.push(`by ${actor}`);
  return words.join(" ");
}

function shown(value: unknown): string {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}
