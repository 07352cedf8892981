import type { ErrorDocument, TextFault } from "#kernel/contract/control";

/** A refusal by the daemon, or a failure to reach it, with the three lines that a person reads. */
export class ControlError extends Error {
  readonly code: string;
  readonly why: string;
  readonly hint: string;
  readonly retryAfterMs: number | null;
  /** The other end, which refused; `null` = this daemon did. */
  readonly deniedBy: "client" | null;
  /** Every fault of a refused text; empty for other refusals. */
  readonly faults: readonly TextFault[];

  constructor(refusal: Omit<ErrorDocument, "schema">, options?: ErrorOptions) {
    super(refusal.message, options);
    this.name = "ControlError";
    this.code = refusal.code;
    this.why = refusal.why;
    this.hint = refusal.hint;
    this.retryAfterMs = refusal.retryAfterMs;
    this.deniedBy = refusal.deniedBy ?? null;
    this.faults = refusal.faults ?? [];
  }

  /** As the daemon and the commands print it. */
  get document(): ErrorDocument {
    const { code, message, why, hint, retryAfterMs, deniedBy, faults } = this;
    return {
      schema: "jumping-vpn/error/v1",
      code,
      message,
      why,
      hint,
      retryAfterMs,
      ...(deniedBy === null ? {} : { deniedBy }),
      ...(faults.length > 0 ? { faults } : {}),
    };
  }
}

export function notRunning(socket: string, cause: unknown): ControlError {
  const errno = errnoOf(cause);
  if (errno === "EACCES" || errno === "EPERM") {
    const [message, why] = ["the daemon cannot be reached", `no permission to use ${socket}`];
    return new ControlError(
      { code: "permission_denied", message, why, hint: "run as root, or join the group jvpn", retryAfterMs: null },
      { cause },
    );
  }
  const why =
    errno === "ENOENT" ? `there is no control socket at ${socket}` : `nothing answers at ${socket} (${errno ?? String(cause)})`;
  const hint = "start it with `jvpn up` (client) or `jvpnd gateway`, or name its socket with --socket";
  return new ControlError(
    { code: "daemon_not_running", message: "the daemon is not running", why, hint, retryAfterMs: null },
    { cause },
  );
}

export function timedOut(what: string, ms: number, why: string, hint: string): ControlError {
  return new ControlError({ code: "timeout", message: `${what} took longer than ${ms / 1000} s`, why, hint, retryAfterMs: null });
}

function errnoOf(cause: unknown): string | undefined {
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
}
