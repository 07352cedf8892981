import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { EXIT } from "#kernel/contract/exit-code";
import { ControlError } from "#sdk/index";
import { verb } from "../command.ts";
import { io } from "../io.ts";

export function ownVersion(): string {
  const root = join(import.meta.dirname, import.meta.url.endsWith(".ts") ? "../.." : "../../..");
  return (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }).version;
}

export function versionVerb(program: Command): void {
  verb(
    program.command("version").description("print the versions of this command and of the running daemon"),
    async (control, options) => {
      const version = ownVersion();
      const daemon = await control.version().catch((cause: unknown) => {
        if (cause instanceof ControlError && cause.code === "daemon_not_running") return null;
        throw cause;
      });
      if (options.json) io.json({ schema: "jumping-vpn/version/v1", version, node: process.version, daemon });
      else {
        io.line(`jvpn ${version} (Node ${process.version.slice(1)})`);
        io.line(
          daemon === null ? "daemon not running" : `daemon ${daemon.version} (${daemon.role} ${daemon.node}, pid ${daemon.pid})`,
        );
      }
      return EXIT.ok;
    },
  );
}
