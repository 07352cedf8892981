import { pino } from "pino";

/** `14:03:05.000 info ready role=client`, from a line of JSON. */
export function plainLine(line: string): string {
  const { level, time, msg = "", pid: _, ...rest } = JSON.parse(line) as Line;
  const clock = new Date(time).toISOString().slice(11, 23);
  return `${clock} ${pino.levels.labels[level] ?? ""} ${msg}${detailsOf(rest)}`;
}

/** Without a time, which journald adds; with the priority of syslog(3), which it reads and removes. */
export function journalLine(line: string): string {
  const { level, time: _time, msg = "", pid: _pid, ...rest } = JSON.parse(line) as Line;
  const priority = PRIORITIES.find(([from]) => level >= from)?.[1] ?? 7;
  return `<${priority}>${msg}${detailsOf(rest)}`;
}

interface Line {
  readonly level: number;
  readonly time: number;
  readonly msg?: string;
  readonly pid?: number;
}

/** Priorities by pino's levels: fatal, error, warn, info, and the rest. */
const PRIORITIES = [
  [60, 2],
  [50, 3],
  [40, 4],
  [30, 6],
] as const;

/** ` key=value` for each detail. Whatever could end the line or move the cursor is quoted. */
function detailsOf(details: object): string {
  const texts = Object.entries(details).map(([key, value]) => {
    const plain = typeof value === "string" && /^[\x21-\x7e\u00a1-\uffff][\x20-\x7e\u00a1-\uffff]*$/.test(value);
    return ` ${key}=${plain ? value : JSON.stringify(value)}`;
  });
  return texts.join("");
}
