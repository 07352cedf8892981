import type { Command } from "commander";
import { EXIT } from "#kernel/contract/exit-code";
import type { SessionId } from "#kernel/contract/state";
import { type CommonOptions, ONLY, SESSION, verb } from "../command.ts";
import { shortId } from "../format/session.ts";
import { io } from "../io.ts";

interface SwitchOptions extends CommonOptions {
  readonly to: string;
}

export function switchVerb(program: Command): void {
  const command = program
    .command("switch")
    .description("move a session to another path")
    .argument("[session]", SESSION)
    .requiredOption("--to <path>", "label or number of the path, or its interface (required)");
  verb<SwitchOptions>(command, async (control, options, [name = ONLY]) => {
    const { value } = await control.switch(name, options.to);
    if (options.json) io.json({ schema: "jumping-vpn/switch/v1", session: name, to: options.to, value });
    else io.line(switchLine(value as Switched));
    return EXIT.ok;
  });
}

interface Switched {
  readonly session: SessionId;
  readonly requested: string;
  /** From the request until the session was on the path. */
  readonly tookMs?: number;
  readonly alreadyActive?: true;
}

function switchLine({ session, requested, tookMs, alreadyActive }: Switched): string {
  if (alreadyActive) return `${shortId(session)} is on ${requested} already`;
  return `switched: ${shortId(session)} → ${requested}${tookMs === undefined ? "" : ` in ${tookMs} ms`}`;
}

interface TerminateOptions extends CommonOptions {
  readonly reason: string;
}

/** A gateway ends a session, not the client's right to begin another one. */
const KEEP_OUT = [
  "  The client may connect again, with a new session.",
  "  To keep it out: remove its [[client]] from gateway.toml, and reload the gateway (SIGHUP).",
];

function mayReturn(value: unknown): boolean {
  return typeof value === "object" && value !== null && "mayReturn" in value && value.mayReturn === true;
}

export function terminateVerb(program: Command): void {
  const command = program
    .command("terminate")
    .description("end a session")
    .argument("[session]", SESSION)
    .requiredOption("--reason <text>", "why the session is ended, in one line, for the record (required)");
  verb<TerminateOptions>(command, async (control, options, [name = ONLY]) => {
    const done = await control.terminate(name, options.reason);
    if (options.json) io.json({ schema: "jumping-vpn/terminate/v1", session: name, value: done.value });
    else io.line(`terminated: ${shortId((done.value as { readonly session: SessionId }).session)}`);
    if (!options.json && mayReturn(done.value)) for (const line of KEEP_OUT) io.line(line);
    return EXIT.ok;
  });
}
