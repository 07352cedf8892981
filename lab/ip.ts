import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Scope } from "./scope.ts";

const execute = promisify(execFile);

/** Runs a command to its end, at most 20 s, and returns its stdout. An error contains the command's stderr. */
export async function command(file: string, args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await execute(file, args, { timeout: 20_000, maxBuffer: 16 << 20 });
    return stdout;
  } catch (error) {
    const printed = (error as { stderr?: string }).stderr?.trim() ?? "";
    throw new Error(`${file} ${args.join(" ")}: ${printed || (error as Error).message}`, { cause: error });
  }
}

/** A network namespace of this run. Its name starts with the run's prefix, so that a leftover can be found. */
export class Netns {
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  static async create(scope: Scope, name: string): Promise<Netns> {
    await command("ip", ["netns", "add", name]);
    scope.defer(`namespace ${name}`, async () => {
      await command("ip", ["netns", "delete", name]);
    });
    const netns = new Netns(name);
    await netns.ip("link set lo up");
    await netns.sysctl({
      "net.ipv6.conf.all.accept_dad": "0",
      "net.ipv6.conf.default.accept_dad": "0",
      "net.ipv4.conf.all.rp_filter": "0",
    });
    return netns;
  }

  /** Runs `ip` inside the namespace. `words` are the arguments of one command, separated by blanks. */
  async ip(words: string): Promise<string> {
    return command("ip", ["-n", this.name, ...words.split(" ")]);
  }

  async sysctl(values: Readonly<Record<string, string>>): Promise<void> {
    for (const [key, value] of Object.entries(values)) {
      await command("ip", ["netns", "exec", this.name, "sh", "-c", `echo ${value} > /proc/sys/${key.replaceAll(".", "/")}`]);
    }
  }

  /** Returns the command line that runs `file` inside the namespace. */
  inside(file: string, args: readonly string[]): { file: string; args: string[] } {
    return { file: "ip", args: ["netns", "exec", this.name, file, ...args] };
  }
}

/** Names of the existing namespaces that start with `prefix`. */
export async function namespacesWith(prefix: string): Promise<string[]> {
  const listed = await command("ip", ["netns", "list"]);
  return listed
    .split("\n")
    .map((line) => line.split(" ")[0] ?? "")
    .filter((name) => name.startsWith(prefix));
}
