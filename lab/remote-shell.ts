/**
 * Simulates a person at a remote shell with OpenSSH's server and client: types a line, waits for its echo, types the
 * next one. Keys and configuration are made for the run and are deleted after it.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { Program } from "./cases/case.ts";
import { command, type Netns } from "./ip.ts";
import type { Scope } from "./scope.ts";
import { until } from "./stage.ts";

export const OPENSSH: readonly Program[] = [
  { command: "ssh", package: "openssh-client" },
  { command: "sshd", package: "openssh-server" },
];

const PORT = 7_022;
const PAUSE_MS = 50;
/** sshd changes to this folder before it authenticates. It must exist; a system with sshd creates it at boot. */
const PRIVILEGE_SEPARATION = "/run/sshd";

interface Typed {
  readonly lines: number;
  /** The slowest echo, ms. */
  readonly longestMs: number;
  /** Why the shell failed; `null` = it did not. */
  readonly fault: string | null;
}

export class RemoteShell {
  readonly #ssh: ChildProcessByStdio<Writable, Readable, null>;
  #lines = 0;
  #longestMs = 0;
  #sentAt = 0;
  #fault: string | null = null;

  private constructor(ssh: ChildProcessByStdio<Writable, Readable, null>) {
    this.#ssh = ssh;
    createInterface({ input: ssh.stdout }).on("line", (line) => this.#heard(line));
    ssh.stdin.on("error", (error) => this.#broken(error.message));
    ssh.on("exit", (code) => this.#broken(`ssh ended with ${code}`));
  }

  /** Starts the server at `address` and logs in from the client. Typing begins after the first line came back. */
  static async start(scope: Scope, server: Netns, client: Netns, address: string, folder: string): Promise<RemoteShell> {
    const [hostKey, userKey] = [join(folder, "ssh-host"), join(folder, "ssh-user")];
    for (const key of [hostKey, userKey]) await command("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
    if (!existsSync(PRIVILEGE_SEPARATION)) {
      mkdirSync(PRIVILEGE_SEPARATION, { mode: 0o755 });
      scope.defer(PRIVILEGE_SEPARATION, () => rmdirSync(PRIVILEGE_SEPARATION));
    }
    const config = join(folder, "sshd_config");
    const lines = [
      `ListenAddress ${address}`,
      `Port ${PORT}`,
      `HostKey ${hostKey}`,
      `AuthorizedKeysFile ${userKey}.pub`,
      "StrictModes no",
      "UsePAM no",
      "PidFile none",
    ];
    writeFileSync(config, `${lines.join("\n")}\n`);
    const sshd = (await command("sh", ["-c", "command -v sshd"])).trim();
    startIn(scope, server, sshd, ["-D", "-q", "-f", config]);
    const listening = server.inside("ss", ["-Hltn", `sport = :${PORT}`]);
    await until("sshd listens", 10_000, async () => ((await command(listening.file, listening.args)) === "" ? undefined : true));
    const known = join(folder, "known_hosts");
    writeFileSync(known, `[${address}]:${PORT} ${readFileSync(`${hostKey}.pub`, "utf8")}`);
    const options = [`UserKnownHostsFile=${known}`, "LogLevel=ERROR"];
    const words = ["-F", "none", "-i", userKey, "-p", `${PORT}`, ...options.flatMap((option) => ["-o", option])];
    const shell = new RemoteShell(startIn(scope, client, "ssh", [...words, `root@${address}`, "cat"]));
    await shell.#begin();
    return shell;
  }

  report(): Typed {
    return { lines: this.#lines, longestMs: this.#longestMs, fault: this.#fault };
  }

  /** The first echo is not counted, because it includes the login. */
  async #begin(): Promise<void> {
    this.#type();
    await until("the remote shell answers", 20_000, async () => (this.#lines > 0 || this.#fault !== null ? true : undefined));
    if (this.#fault !== null) throw new Error(`no remote shell: ${this.#fault}`);
    this.#longestMs = 0;
  }

  #type(): void {
    if (this.#fault !== null) return;
    this.#sentAt = performance.now();
    this.#ssh.stdin.write(`line ${this.#lines + 1}\n`);
  }

  #heard(line: string): void {
    const expected = `line ${this.#lines + 1}`;
    if (line !== expected) {
      this.#broken(`the echo of “${expected}” is “${line}”`);
      return;
    }
    this.#lines += 1;
    this.#longestMs = Math.max(this.#longestMs, performance.now() - this.#sentAt);
    setTimeout(() => this.#type(), PAUSE_MS).unref();
  }

  #broken(fault: string): void {
    this.#fault ??= fault;
  }
}

/** Starts a program in a namespace, with pipes to its standard input and output. It ends with the scope. */
function startIn(
  scope: Scope,
  netns: Netns,
  program: string,
  args: readonly string[],
): ChildProcessByStdio<Writable, Readable, null> {
  const { file, args: words } = netns.inside(program, args);
  const child = spawn(file, words, { stdio: ["pipe", "pipe", "inherit"], detached: true });
  scope.defer(`process ${child.pid} (${program})`, async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, "exit");
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 3_000);
    await exit;
    clearTimeout(timer);
  });
  return child;
}
