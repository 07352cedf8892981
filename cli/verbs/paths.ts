import type { Command } from "commander";
import { EXIT } from "#kernel/contract/exit-code";
import { verb } from "../command.ts";
import { pathText, shortId } from "../format/session.ts";
import { io } from "../io.ts";

export function pathsVerb(program: Command): void {
  verb(program.command("paths").description("the paths of every live session"), async (control, options) => {
    const document = await control.paths();
    if (options.json) {
      io.json(document);
      return EXIT.ok;
    }
    const live = document.sessions.filter((entry) => entry.state !== "TERMINATED");
    if (live.length === 0) io.line("no live session");
    for (const entry of live) {
      io.line(`${shortId(entry.session)}   ${entry.state}`);
      for (const path of entry.paths)
        io.line(`  ${String(path.id).padStart(3)} ${pathText(io, path)}   ${path.local ?? "—"} → ${path.remote ?? "—"}`);
    }
    return EXIT.ok;
  });
}
