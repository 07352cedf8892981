import { Command, CommanderError } from "commander";
import { EXIT } from "#kernel/contract/exit-code";
import { ControlError } from "#sdk/index";
import { printFailure } from "./io.ts";
import { switchVerb, terminateVerb } from "./verbs/act.ts";
import { initVerb } from "./verbs/init.ts";
import { configVerb, keyVerbs } from "./verbs/key.ts";
import { pathsVerb } from "./verbs/paths.ts";
import { policyVerb } from "./verbs/policy.ts";
import { sessionsVerb, sessionVerb } from "./verbs/sessions.ts";
import { statusVerb } from "./verbs/status.ts";
import { downVerb, upVerb } from "./verbs/up.ts";
import { ownVersion, versionVerb } from "./verbs/version.ts";
import { watchVerb } from "./verbs/watch.ts";

/** Read before the arguments are parsed, so that a parsing error is printed as JSON, too. */
const json = process.argv.includes("--json");

const program = new Command("jvpn")
  .description("Jumping VPN: the session stays, transports come and go")
  .version(ownVersion())
  .exitOverride()
  .configureOutput(json ? { writeErr: () => {} } : {})
  .showHelpAfterError("(see jvpn --help)");
for (const add of [
  initVerb,
  keyVerbs,
  configVerb,
  upVerb,
  downVerb,
  statusVerb,
  sessionsVerb,
  sessionVerb,
  pathsVerb,
  switchVerb,
  terminateVerb,
  policyVerb,
  watchVerb,
  versionVerb,
]) {
  add(program);
}

for (const command of [...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
  const name = [command.parent?.name(), command.name()].filter((word) => word !== undefined && word !== "jvpn");
  command.showHelpAfterError(`(see jvpn ${name.join(" ")} --help)`);
}

process.stdout.on("error", (cause: NodeJS.ErrnoException) => {
  // The reader of the pipe has closed it, as `head` does.
  if (cause.code === "EPIPE") process.exit();
  const hint = "free space at the destination, or write to another place";
  printFailure(
    new ControlError({ code: "failed", message: "the result cannot be written", why: cause.message, hint, retryAfterMs: null }),
    json,
  );
  process.exit(EXIT.failed);
});

try {
  refuseUnknownVerb(process.argv[2]);
  await program.parseAsync();
} catch (cause) {
  if (!(cause instanceof CommanderError)) throw cause;
  process.exitCode = cause.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (json && process.exitCode === EXIT.usage) printFailure(misused(cause), json);
}

/** With `--help`, commander would print the help of the whole program and succeed. */
function refuseUnknownVerb(word: string | undefined): void {
  if (word === undefined || word.startsWith("-") || word === "help") return;
  if (!program.commands.some((command) => command.name() === word)) program.error(`error: unknown command '${word}'`);
}

function misused({ message, code }: CommanderError): ControlError {
  const what = code === "commander.help" ? "no such command" : message.replace(/^error: /, "");
  const why = "the command line cannot be understood";
  return new ControlError({ code: "usage", message: what, why, hint: "see jvpn --help", retryAfterMs: null });
}
