import { type Command, InvalidArgumentError } from "commander";
import { EXIT } from "#kernel/contract/exit-code";
import { type CommonOptions, verb } from "../command.ts";
import { eventLine } from "../format/event.ts";
import { io } from "../io.ts";

/** `jvpn watch` ends if a daemon that went down is not back after this time. */
const RECONNECT_MS = 30_000;

interface Options extends CommonOptions {
  readonly since?: number;
}

export function watchVerb(program: Command): void {
  const command = program
    .command("watch")
    .description("print every record as it is written, until Ctrl-C")
    .option("--since <seq>", "start with the records after this number", number);
  verb<Options>(command, async (control, options) => {
    const stop = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
    await control.version(); // throws if no daemon runs
    io.progress("waiting for records; Ctrl-C ends it …");
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
