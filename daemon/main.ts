import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Argument, Command, CommanderError, Option } from "commander";
import { checkFiles, checkOffered, showConfig } from "#daemon/config/verbs";
import { errnoOf, faultText, StartFailure } from "#daemon/fault";
import type { Flags } from "#daemon/options";
import { checkPolicyFile } from "#daemon/policy/verbs";
import { generateKey, publicKey } from "#daemon/ports/engine";
import { run, undo } from "#daemon/run";
import { EXIT, type ExitCode } from "#kernel/contract/exit-code";
import type { Role } from "#kernel/contract/state";
import { fileAdvice } from "#kernel/files";

/** `jvpnd gateway|client`, and the verbs that need keys or the rules of the configuration, which only a daemon has. */
const program = new Command("jvpnd")
  .description("Jumping VPN daemon")
  .version(ownVersion())
  .exitOverride()
  .showHelpAfterError("(see jvpnd --help)");

for (const role of ["gateway", "client"] as const) {
  program
    .command(role)
    .description(`run a ${role}`)
    .option("--config <file>", `configuration file (default: JVPN_CONFIG, else /etc/jumping-vpn/${role}.toml)`)
    .option("--socket <path>", "control socket (default: JVPN_SOCKET, else /run/jumping-vpn/control.sock)")
    .option("--state <dir>", "state directory (default: /var/lib/jumping-vpn)")
    .option("--events <file>", "file for the record of events (default: events.jsonl in the state directory)")
    .option("--policy <file>", "policy file (default: policy.toml beside the configuration)")
    .addOption(
      new Option("--log-level <level>", "lowest level of the log on stderr").choices(["trace", "debug", "info", "warn", "error"]),
    )
    .action((flags: Flags) => run(role, flags, ownVersion()));
}

program
  .command("undo")
  .description("without a running daemon: undo what an earlier one left on the machine, and let its traffic out again")
  .addOption(new Option("--role <role>").choices(["gateway", "client"]).default("client"))
  .option("--config <file>", "configuration file (JVPN_CONFIG)")
  .option("--socket <path>", "accepted, as by the other verbs")
  .option("--state <dir>", "state directory (default: /var/lib/jumping-vpn)")
  .action(async (options: Flags & { role: Role }) => {
    const closed = await undo(options.role, options);
    process.stdout.write(`${JSON.stringify({ closed })}\n`);
  });

program
  .command("genkey")
  .argument("<file>")
  .description("write a new private key and print its public key")
  .action((file: string) => void process.stdout.write(`${generateKey(resolve(file))}\n`));
program
  .command("pubkey")
  .argument("<file>")
  .description("print the public key of a private key file")
  .action((file: string) => void process.stdout.write(`${publicKey(resolve(file))}\n`));

const config = program.command("config").description("check or show configuration files");
config
  .command("check")
  .argument("[files...]")
  .option("--json", "print one JSON document instead of text")
  .option("--config <file>", "configuration file to check if no files are named (JVPN_CONFIG)")
  .action((files: readonly string[], options: Flags & { json?: boolean }) => {
    process.exitCode = checkFiles(files, options, options.json === true);
  });
config
  .command("check-text")
  .addArgument(new Argument("<role>").choices(["gateway", "client"]))
  .argument("<text>")
  .description("check the text of a configuration before it is written")
  .action((role: Role, text: string) => checkOffered(role, text));
config
  .command("show")
  .addOption(new Option("--role <role>", "default: the role that the file configures").choices(["gateway", "client"]))
  .option("--config <file>")
  .option("--socket <path>")
  .option("--state <dir>")
  .option("--policy <file>")
  .option("--places", "print only the paths of the daemon's files")
  .action((options: Flags & { role?: Role; places?: boolean }) =>
    showConfig(options.role ?? null, options, options.places === true),
  );

const policy = program.command("policy").description("check policy files");
policy
  .command("check")
  .argument("<file>")
  .option("--json", "print one JSON document instead of text")
  .action((file: string, options: { json?: boolean }) => {
    process.exitCode = checkPolicyFile(resolve(file), options.json === true);
  });

for (const command of [...program.commands, ...config.commands, ...policy.commands]) command.exitOverride();

try {
  await program.parseAsync();
} catch (cause) {
  process.exitCode = exitFor(cause);
}

function exitFor(cause: unknown): ExitCode {
  if (cause instanceof CommanderError) return cause.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (!(cause instanceof StartFailure)) {
    const { path = "" } = cause as { readonly path?: string };
    const advice = fileAdvice(errnoOf(cause), path);
    if (advice === undefined || path === "") throw cause;
    process.stderr.write(faultText({ what: `${path} cannot be used`, ...advice }));
    return EXIT.failed;
  }
  for (const fault of cause.faults) process.stderr.write(faultText(fault));
  return cause.exit;
}

/** Compiled, this file is build/daemon/main.js. */
function ownVersion(): string {
  const root = join(import.meta.dirname, import.meta.url.endsWith(".ts") ? ".." : "../..");
  return (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }).version;
}
