import { fstatSync, writeSync } from "node:fs";
import { type DestinationStream, type Logger, pino } from "pino";
import type { LogLevel } from "#daemon/config/settings";
import { journalLine, plainLine } from "./lines.ts";

export type Log = Logger;

const STDERR = 2;

/**
 * The operational log on stderr: plain lines on a terminal, plain lines with a priority under journald, else JSON. Keys
 * and payloads never reach it.
 */
export function createLog(level: LogLevel): Log {
  const base = { pid: process.pid };
  if (process.stderr.isTTY) return pino({ level, base }, linesOf(plainLine));
  if (isJournal()) return pino({ level, base }, linesOf(journalLine));
  return pino({ level, base }, pino.destination({ dest: STDERR, sync: true }));
}

/** The service manager names the device and inode of the stream that it gave to this process. */
function isJournal(): boolean {
  const { dev, ino } = fstatSync(STDERR);
  return process.env.JOURNAL_STREAM === `${dev}:${ino}`;
}

function linesOf(format: (line: string) => string): DestinationStream {
  return { write: (line) => void writeSync(STDERR, `${format(line)}\n`) };
}
