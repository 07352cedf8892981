import type { Command } from "commander";
import { EXIT } from "#kernel/contract/exit-code";
import { verb } from "../command.ts";
import { endsText, pathText, shortId } from "../format/session.ts";
import { io } from "../io.ts";
import { type ListOptions, limited, moreLines } from "./sessions.ts";

export function pathsVerb(program: Command): void {
  const command = limited(program.command("paths").description("list the paths of live sessions, worst first"));
  verb<ListOptions>(command, async (control, options) => {
    const document = await control.paths(options.limit);
    if (options.json) {
      io.json(document);
      return EXIT.ok;
    }
    if (document.total === 0) io.line("no live session");
    for (const entry of document.sessions) {
      io.line(`${shortId(entry.session)}   ${entry.state}`);
      for (const path of entry.paths) {
        io.line(`  ${String(path.id).padStart(3)} ${pathText(io, path)}`);
        io.line(`        ${endsText(path)}`);
      }
    }
    for (const line of moreLines(document)) io.line(line);
    return EXIT.ok;
  });
}
