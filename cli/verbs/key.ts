import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { EXIT } from "#kernel/contract/exit-code";
import { passToDaemon, requireFromDaemon } from "../daemon-process.ts";
import { io, perform } from "../io.ts";

interface Options {
  readonly json?: boolean;
}

/** Only the engine makes and reads private keys; this process only sees public keys. */
export function keyVerbs(program: Command): void {
  const verbs = [
    ["genkey", "write a new private key (mode 0600, never overwrites a file) and print its public key"],
    ["pubkey", "print the public key of a private key file"],
  ] as const;
  for (const [name, description] of verbs) {
    const command = program
      .command(name)
      .description(description)
      .argument("<file>")
      .option("--json", "print one JSON document instead of text");
    command.action((file: string) => {
      const { json = false } = command.opts<Options>();
      return perform(json, async () => {
        const publicKey = await requireFromDaemon([name, resolve(file)]);
        if (json) io.json({ schema: `jumping-vpn/${name}/v1`, file: resolve(file), publicKey });
        else io.line(publicKey);
        return EXIT.ok;
      });
    });
  }
}

interface ConfigOptions extends Options {
  readonly role?: string;
  readonly config?: string;
}

export function configVerb(program: Command): void {
  const config = program.command("config").description("check or show the configuration");
  const check = config
    .command("check")
    .description("check files (default: the file of --config or JVPN_CONFIG, else the files in /etc/jumping-vpn)")
    .argument("[files...]")
    .option("--config <file>", "configuration file to check if no files are named (JVPN_CONFIG)")
    .option("--json", "print one JSON document instead of text");
  check.action((files: readonly string[]) => {
    const { config: file, json = false } = check.opts<ConfigOptions>();
    const flags = [...(json ? ["--json"] : []), ...configFlag(file)];
    return perform(json, () => passToDaemon(["config", "check", ...flags, ...files.map((name) => resolve(name))]));
  });
  const show = config
    .command("show")
    .description("print the configuration with all defaults, as JSON")
    .addOption(new Option("--role <role>", "default: the role that the file configures").choices(["gateway", "client"]))
    .option("--config <file>", "configuration file (JVPN_CONFIG)")
    .option("--json", "print errors as JSON, too: the output is always JSON");
  show.action(() => {
    const { role, config: file, json = false } = show.opts<ConfigOptions>();
    const words = ["config", "show", ...(role === undefined ? [] : ["--role", role]), ...configFlag(file)];
    return perform(json, async () => {
      if (!json) return passToDaemon(words);
      io.line(await requireFromDaemon(words));
      return EXIT.ok;
    });
  });
}

const configFlag = (file: string | undefined): string[] => (file === undefined ? [] : ["--config", resolve(file)]);
