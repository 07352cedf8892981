import type { ExitCode } from "#kernel/contract/exit-code";

/** A fault that a person must repair, with the three lines that the person reads. */
export interface Fault {
  readonly what: string;
  readonly why: string;
  readonly hint: string;
  /** For faults of a configuration file. `line` counts from 1; `null` = the whole file. */
  readonly file?: string;
  readonly line?: number | null;
}

/** Ends the start of a daemon with these faults and this exit code. */
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

export function faultText(fault: Fault, kind: "error" | "warning" = "error"): string {
  const place = fault.file === undefined ? "" : `${fault.file}${fault.line ? `:${fault.line}` : ""}: `;
  return `${kind}: ${place}${fault.what}\n  why: ${fault.why}\n  do:  ${fault.hint}\n`;
}

/** The message of a thrown value, for the `why` of a fault. */
export function causeText(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** The error code of the system, such as `ENOENT`; `undefined` if there is none. */
export function errnoOf(cause: unknown): string | undefined {
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
}
