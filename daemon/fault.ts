import type { ExitCode } from "#kernel/contract/exit-code";

/** Something the world did that a person has to repair, in the three lines that they read. */
export interface Fault {
  readonly what: string;
  readonly why: string;
  readonly hint: string;
  /** Configuration: where. `line` counts from 1; `null` = the whole file. */
  readonly file?: string;
  readonly line?: number | null;
}

/** Ends the start of a daemon with its faults and the exit code that belongs to them. */
export class StartFailure extends Error {
  readonly faults: readonly Fault[];
  readonly exit: ExitCode;

  constructor(faults: readonly Fault[], exit: ExitCode, options?: ErrorOptions) {
    super(faults.map((fault) => fault.what).join("; "), options);
    this.name = "StartFailure";
    this.faults = faults;
    this.exit = exit;
  }
}

export function faultText(fault: Fault): string {
  const place = fault.file === undefined ? "" : `${fault.file}${fault.line ? `:${fault.line}` : ""}: `;
  return `error: ${place}${fault.what}\n  why: ${fault.why}\n  do:  ${fault.hint}\n`;
}

/** The message of anything thrown, for the `why` of a fault. */
export function causeText(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** `ENOENT` and the like, or `undefined`. */
export function errnoOf(cause: unknown): string | undefined {
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
}
