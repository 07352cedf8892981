import { type DestinationStream, type Logger, pino } from "pino";
import type { LogLevel } from "#daemon/config/settings";

export type Log = Logger;

/** The operational log on stderr: JSON lines, or plain lines on a terminal. Keys and payloads never reach it. */
export function createLog(level: LogLevel): Log {
  const base = { pid: process.pid };
  return process.stderr.isTTY
    ? pino({ level, base }, plainLines)
    : pino({ level, base }, pino.destination({ dest: 2, sync: true }));
}

const plainLines: DestinationStream = {
  write(line: string) {
    const {
      level,
      time,
      msg,
      pid: _pid,
      ...rest
    } = JSON.parse(line) as { level: number; time: number; msg?: string; pid?: number };
    const clock = new Date(time).toISOString().slice(11, 23);
    const extra = Object.entries(rest).map(
      ([key, value]) => ` ${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
    );
    process.stderr.write(`${clock} ${pino.levels.labels[level] ?? ""} ${msg ?? ""}${extra.join("")}\n`);
  },
};
