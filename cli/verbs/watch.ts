import { type Command, InvalidArgumentError } from "commander";
import { EXIT } from "#kernel/contract/exit-code";
import { type CommonOptions, verb } from "../command.ts";
import { eventLine } from "../format/event.ts";
import { io } from "../io.ts";

/** How long a restart of the daemon may take before the watching ends. */
const RECONNECT_MS = 30_000;

interface Options extends CommonOptions {
  readonly since?: number;
}

export function watchVerb(program: Command): void {
  const command = program
    .command("watch")
    .description("every record as it is made, until Ctrl-C")
    .option("--since <seq>", "first those after this number", number);
  verb<Options>(command, async (control, options) => {
    const stop = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
    const since = options.since === undefined ? {} : { since: options.since };
    for await (const item of control.events({ ...since, signal: stop.signal, reconnectMs: RECONNECT_MS })) {
      if (options.json) io.json(item);
      else io.line(eventLine(io, item));
    }
    return EXIT.ok;
  });
}

function number(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("the number of a record is expected.");
  return Number(text);
}
