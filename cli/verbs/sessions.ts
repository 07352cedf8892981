import { type Command, InvalidArgumentError } from "commander";
import { EXIT } from "#kernel/contract/exit-code";
import { type CommonOptions, ONLY, SESSION, verb } from "../command.ts";
import { eventLine } from "../format/event.ts";
import { sessionLines, sessionRow } from "../format/session.ts";
import { table } from "../format/text.ts";
import { io } from "../io.ts";

export interface ListOptions extends CommonOptions {
  readonly limit: number;
}

/** Adds `--limit` to a command whose list may be long. */
export function limited(command: Command): Command {
  return command.option("--limit <n>", "list at most this many sessions", positive, 1_000);
}

/** A line that counts the sessions that the list leaves out; empty if there are none. */
export function moreLines({ total, sessions }: { readonly total: number; readonly sessions: readonly unknown[] }): string[] {
  return total > sessions.length ? [`… ${total - sessions.length} more (--limit)`] : [];
}

export function sessionsVerb(program: Command): void {
  const command = limited(program.command("sessions").description("list all sessions, worst first"));
  verb<ListOptions>(command, async (control, options) => {
    const document = await control.sessions(options.limit);
    if (options.json) {
      io.json(document);
      return EXIT.ok;
    }
    if (document.total === 0) io.line("no sessions");
    for (const line of table(document.sessions.map((session) => sessionRow(io, session)))) io.line(line);
    for (const line of moreLines(document)) io.line(line);
    return EXIT.ok;
  });
}

interface OneOptions extends CommonOptions {
  readonly timeline?: boolean;
}

export function sessionVerb(program: Command): void {
  const command = program
    .command("session")
    .description("show one session")
    .argument("[session]", SESSION)
    .option("--timeline", "list its records in order");
  verb<OneOptions>(command, async (control, options, [id = ONLY]) => {
    if (options.timeline) {
      const document = await control.timeline(id);
      if (options.json) io.json(document);
      else {
        if (document.truncated) io.line("(older records are only in the event log file)");
        for (const record of document.events) io.line(eventLine(io, record));
      }
      return EXIT.ok;
    }
    const document = await control.session(id);
    if (options.json) io.json(document);
    else for (const line of sessionLines(io, document.session, document.bootMs)) io.line(line);
    return EXIT.ok;
  });
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 100_000)
    throw new InvalidArgumentError("a number of 1 … 100000 is expected.");
  return value;
}
