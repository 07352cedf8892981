import { resolve } from "node:path";
import type { Command } from "commander";
import { EXIT } from "#kernel/contract/exit-code";
import { passToDaemon, requireFromDaemon } from "../daemon-process.ts";
import { io, perform } from "../io.ts";

interface Options {
  readonly json?: boolean;
}

/** Keys are made and read by the engine alone; this process only ever sees the public one. */
export function keyVerbs(program: Command): void {
  const verbs = [
    ["genkey", "write a new private key (0600, never over an existing file) and print its public key"],
    ["pubkey", "print the public key of a private key file"],
  ] as const;
  for (const [name, description] of verbs) {
    const command = program
      .command(name)
      .description(description)
      .argument("<file>")
      .option("--json", "one JSON document instead of text");
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
    .description("check files (default: those in /etc/jumping-vpn)")
    .argument("[files...]")
    .option("--json", "one JSON document instead of text");
  check.action((files: readonly string[]) => {
    const { json = false } = check.opts<Options>();
    return perform(json, () =>
      passToDaemon(["config", "check", ...(json ? ["--json"] : []), ...files.map((file) => resolve(file))]),
    );
  });
  const show = config
    .command("show")
    .description("the configuration with all defaults, as JSON")
    .option("--role <role>", "gateway or client", "client")
    .option("--config <file>", "configuration (JVPN_CONFIG)")
    .option("--json", "the same");
  show.action(() => {
    const { role = "client", config: file, json = false } = show.opts<ConfigOptions>();
    return perform(json, () =>
      passToDaemon(["config", "show", "--role", role, ...(file === undefined ? [] : ["--config", resolve(file)])]),
    );
  });
}
