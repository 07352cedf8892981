import type { Command } from "commander";
import { Control } from "#sdk/index";
import { perform } from "./io.ts";

/** Options that every verb has. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly socket?: string;
}

/** How a verb describes its argument that names a session. */
export const SESSION = "id of the session, a unique prefix of it, or the name of its other end; default: the only live one";
/** The daemon's name for the only live session. */
export const ONLY = "-";

/**
 * Adds the common options and runs the verb with a client of the control socket. `run` returns the exit code.
 */
export function verb<O extends CommonOptions>(
  command: Command,
  run: (control: Control, options: O, args: readonly string[]) => Promise<number>,
): void {
  command
    .option("--json", "print one JSON document instead of text")
    .option("--socket <path>", "control socket of the daemon (default: JVPN_SOCKET, else /run/jumping-vpn/control.sock)")
    .action((...all: unknown[]) => {
      const options = command.opts<O>();
      const args = all
        .slice(0, -2)
        .flatMap((value) => (typeof value === "string" ? [value] : Array.isArray(value) ? (value as string[]) : []));
      const control = new Control(options.socket === undefined ? {} : { socket: options.socket });
      return perform(options.json === true, () => run(control, options, args));
    });
}
