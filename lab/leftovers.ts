import { readdirSync, readFileSync } from "node:fs";
import { namespacesWith } from "./ip.ts";

/**
 * Namespaces and processes that still carry a prefix, one sentence for each. A namespace stands for its interfaces,
 * routes and packet filters as well.
 */
export async function leftoversWith(prefix: string): Promise<readonly string[]> {
  const namespaces = await namespacesWith(prefix);
  return [...namespaces.map((name) => `namespace ${name} was left behind`), ...processesWith(prefix)];
}

function processesWith(prefix: string): readonly string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      const words = commandLine(pid);
      return words.includes(prefix) ? [`process ${pid} was left behind: ${words.slice(0, 200)}`] : [];
    });
}

/** Returns "" if the process has ended in the meantime. */
function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return "";
  }
}
