import type { Command } from "commander";
import { EXIT } from "#kernel/contract/exit-code";
import { type CommonOptions, verb } from "../command.ts";
import { io } from "../io.ts";

interface SwitchOptions extends CommonOptions {
  readonly to: string;
}

export function switchVerb(program: Command): void {
  const command = program
    .command("switch")
    .description("move a session to another path")
    .argument("<id>", "id of the session, or a unique prefix of it")
    .requiredOption("--to <path>", "label or number of the path");
  verb<SwitchOptions>(command, async (control, options, [id = ""]) => {
    const done = await control.switch(id, options.to);
    if (options.json) io.json({ schema: "jumping-vpn/switch/v1", session: id, to: options.to, value: done.value });
    else io.line(`${isWish(done.value) ? "asked the client" : "accepted"}: ${id} → ${options.to}`);
    return EXIT.ok;
  });
}

/** A gateway can only ask the client to switch. The session shows whether the client did. */
const isWish = (value: unknown): boolean => typeof value === "object" && value !== null && "asked" in value;

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
    .argument("<id>", "id of the session, or a unique prefix of it")
    .requiredOption("--reason <text>", "why the session is ended, in one line, for the record");
  verb<TerminateOptions>(command, async (control, options, [id = ""]) => {
    const done = await control.terminate(id, options.reason);
    if (options.json) io.json({ schema: "jumping-vpn/terminate/v1", session: id, value: done.value });
    else io.line(`terminated: ${id}`);
    if (!options.json && mayReturn(done.value)) for (const line of KEEP_OUT) io.line(line);
    return EXIT.ok;
  });
}
