import { EXIT } from "#kernel/contract/exit-code";
import { fileAdvice } from "#kernel/files";
import { ControlError } from "#sdk/index";
import { exitOf } from "./exit.ts";

/** The part of the terminal that a verb may use. */
export interface Io {
  /** One line of result. */
  line(text: string): void;
  /** One JSON document, on one line. */
  json(document: object): void;
  /** Printed on stderr, and only if stderr is a terminal. */
  progress(text: string): void;
  readonly color: boolean;
  /** stdout is a terminal: lines that are longer than its width may be cut. */
  readonly terminal: boolean;
  readonly columns: number;
}

export const io: Io = {
  line: (text) => void process.stdout.write(`${text}\n`),
  json: (document) => void process.stdout.write(`${JSON.stringify(document)}\n`),
  progress: (text) => {
    if (process.stderr.isTTY) process.stderr.write(`${text}\n`);
  },
  color: process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb",
  terminal: process.stdout.isTTY === true,
  columns: process.stdout.isTTY === true ? Math.max(40, process.stdout.columns || 80) : 80,
};

/**
 * Runs a verb, which returns the exit code. Every failure is printed on stderr, as three lines or as one JSON document.
 */
export async function perform(json: boolean, verb: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await verb();
  } catch (cause) {
    const error = cause instanceof ControlError ? cause : unexpected(cause);
    printFailure(error, json);
    process.exitCode = exitOf(error);
  }
}

/** Prints a failure to stderr. */
export function printFailure(error: ControlError, json: boolean): void {
  process.stderr.write(json ? `${JSON.stringify(error.document)}\n` : threeLines(error));
}

/** Scripts search for `denied: switch_rate_limited`; other codes appear only in the JSON. */
function threeLines(error: ControlError): string {
  const retry = error.retryAfterMs === null ? "" : ` (next in ${Math.ceil(error.retryAfterMs / 1_000)} s)`;
  const by = error.deniedBy === null ? "" : `, by the ${error.deniedBy}`;
  const head = exitOf(error) === EXIT.denied ? `denied: ${error.code}${retry}${by}` : `error: ${error.message}${retry}`;
  const others = error.faults
    .slice(1)
    .map(({ file, line, ...fault }) => ({ ...fault, head: `error: ${file}:${line ?? 1}: ${fault.what}` }));
  return [{ head, why: error.why, hint: error.hint }, ...others].map(lines).join("");
}

function lines({ head, why, hint }: { readonly head: string; readonly why: string; readonly hint: string }): string {
  return `${head}\n  why: ${why}\n  do:  ${hint}\n`;
}

/** An error of the system about a file is no mistake of the program. */
function unexpected(cause: unknown): ControlError {
  const { code, path } = cause as { readonly code?: string; readonly path?: string };
  const advice = path === undefined ? undefined : fileAdvice(code, path);
  if (advice !== undefined)
    return new ControlError({ code: "failed", message: `${path} cannot be used`, ...advice, retryAfterMs: null }, { cause });
  const why = cause instanceof Error ? cause.message : String(cause);
  const hint = "please report it with the output of `jvpn version`";
  return new ControlError({ code: "internal", message: "the command failed", why, hint, retryAfterMs: null }, { cause });
}
