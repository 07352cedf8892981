import { Command, CommanderError } from "commander";
import { EXIT } from "#kernel/contract/exit-code";
import { switchVerb, terminateVerb } from "./verbs/act.ts";
import { initVerb } from "./verbs/init.ts";
import { configVerb, keyVerbs } from "./verbs/key.ts";
import { pathsVerb } from "./verbs/paths.ts";
import { policyVerb } from "./verbs/policy.ts";
import { sessionsVerb, sessionVerb } from "./verbs/sessions.ts";
import { statusVerb } from "./verbs/status.ts";
import { downVerb, upVerb } from "./verbs/up.ts";
import { versionVerb } from "./verbs/version.ts";
import { watchVerb } from "./verbs/watch.ts";

const program = new Command("jvpn")
  .description("Jumping VPN: the session stays, transports come and go")
  .exitOverride()
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

// The reader of a pipe has read enough, as `head` does.
process.stdout.on("error", (cause: NodeJS.ErrnoException) => {
  if (cause.code !== "EPIPE") throw cause;
  process.exit();
});

try {
  await program.parseAsync();
} catch (cause) {
  if (!(cause instanceof CommanderError)) throw cause;
  process.exitCode = cause.exitCode === 0 ? EXIT.ok : EXIT.usage;
}
