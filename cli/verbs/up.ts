import { existsSync, mkdirSync, openSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type Command, InvalidArgumentError } from "commander";
import { EXIT } from "#kernel/contract/exit-code";
import { foldersOf } from "#kernel/files";
import { Control, ControlError, type StatusDocument } from "#sdk/index";
import { type CommonOptions, verb } from "../command.ts";
import { requireFromDaemon, spawnDaemon } from "../daemon-process.ts";
import { dialAdvice, unresolvedText } from "../format/dial.ts";
import { sessionLines } from "../format/session.ts";
import { io } from "../io.ts";

interface UpOptions extends CommonOptions {
  readonly config?: string;
  readonly state?: string;
  readonly policy?: string;
  readonly timeout: number;
}

/** The paths of a daemon's files, as `jvpnd config show --places` prints them. */
interface Places {
  readonly socket: string;
  readonly state: string;
}

const START_MS_MAX = 15_000;
const ASK_EVERY_MS = 50;
const LOG_TAIL_BYTES = 4_096;

export function upVerb(program: Command): void {
  const command = program
    .command("up")
    .description("start the client if it is not running, and wait until it is ATTACHED")
    .option("--config <file>", "configuration file (JVPN_CONFIG)")
    .option("--state <dir>", "state directory")
    .option("--policy <file>", "policy file")
    .option("--timeout <seconds>", "how long to wait for ATTACHED", seconds, 30);
  verb<UpOptions>(command, async (_control, options) => {
    const flags = passedFlags(options);
    const places = JSON.parse(await requireFromDaemon(["config", "show", "--role", "client", "--places", ...flags])) as Places;
    const control = new Control({ socket: places.socket });
    const started = !(await isRunning(control));
    if (started) await start(control, places, flags);
    if (started) io.progress("started, waiting for ATTACHED …");
    else refuseIfHalted(await control.status());
    try {
      const session = await control.waitFor("ATTACHED", options.timeout * 1_000);
      if (options.json) io.json({ schema: "jumping-vpn/up/v1", started, session });
      else for (const line of sessionLines(io, session, session.bornAtBootMs + session.ageMs)) io.line(line);
      return EXIT.ok;
    } catch (cause) {
      if (cause instanceof ControlError && cause.code === "timeout" && !options.json) {
        await advise(control);
        process.stderr.write("  The daemon goes on dialling: see `jvpn status`, and end it with `jvpn down`.\n");
      }
      throw cause;
    }
  });
}

/** Refuses to wait for a client that has no session and does not dial, because waiting would change nothing. */
function refuseIfHalted({ role, view }: StatusDocument): void {
  if (role !== "client" || view.dial !== null || view.sessions.some(({ state }) => state !== "TERMINATED")) return;
  const last = view.sessions.at(-1);
  if (last === undefined) return;
  throw new ControlError({
    code: "terminal",
    message: "the client stays down",
    why: `its last session ${last.id} ended with ${last.reason ?? "terminal"}, and the client does not dial again`,
    hint: "run `jvpn down`, then `jvpn up`",
    retryAfterMs: null,
  });
}

interface DownOptions extends CommonOptions {
  readonly config?: string;
  readonly state?: string;
}

export function downVerb(program: Command): void {
  const command = program
    .command("down")
    .description("end the session and the daemon, and let the traffic of the tunnel out beside it again")
    .option("--config <file>", "if no daemon runs: its configuration file (JVPN_CONFIG)")
    .option("--state <dir>", "if no daemon runs: its state directory");
  verb<DownOptions>(command, async (control, options) => {
    if (!(await isRunning(control))) return undoWithout(control, options);
    const { pid } = await control.version();
    await control.shutdown();
    const deadline = performance.now() + START_MS_MAX;
    while (isAlive(pid) && performance.now() < deadline) await pause(ASK_EVERY_MS);
    if (isAlive(pid)) {
      const why = `process ${pid} still runs after ${START_MS_MAX / 1_000} s`;
      throw new ControlError({
        code: "timeout",
        message: "the daemon did not stop",
        why,
        hint: `see its log, or end it with \`kill ${pid}\``,
        retryAfterMs: null,
      });
    }
    if (options.json) io.json({ schema: "jumping-vpn/down/v1", stopped: true, pid });
    else io.line("stopped");
    return EXIT.ok;
  });
}

/** A daemon that was killed or stopped for a restart has left the backstop. Without one there is nothing to end. */
async function undoWithout(control: Control, options: DownOptions): Promise<number> {
  const { closed } = JSON.parse(await requireFromDaemon(["undo", ...passedFlags(options)])) as { closed: readonly string[] };
  if (closed.length === 0) await control.version(); // throws that no daemon runs
  if (options.json) io.json({ schema: "jumping-vpn/down/v1", stopped: false, pid: null, released: closed });
  else io.line(`no daemon ran; traffic for ${closed.join(", ")} was held back, and leaves beside the tunnel from now on`);
  return EXIT.ok;
}

function passedFlags(options: Partial<Pick<UpOptions, "config" | "socket" | "state" | "policy">>): string[] {
  const flag = (name: string, value: string | undefined) => (value === undefined ? [] : [name, resolve(value)]);
  return [
    ...flag("--config", options.config),
    ...flag("--socket", options.socket),
    ...flag("--state", options.state),
    ...flag("--policy", options.policy),
  ];
}

async function isRunning(control: Control): Promise<boolean> {
  try {
    await control.version();
    return true;
  } catch (cause) {
    if (cause instanceof ControlError && cause.code === "daemon_not_running") return false;
    throw cause;
  }
}

/** Starts the daemon detached, with its log in the state directory. If it ends at once, its own error is thrown. */
async function start(control: Control, places: Places, flags: readonly string[]): Promise<void> {
  for (const folder of foldersOf(places.state).filter((folder) => !existsSync(folder))) mkdirSync(folder, { mode: 0o700 });
  const file = join(places.state, "jvpnd.log");
  const log = openSync(file, "a", 0o600);
  const from = statSync(file).size;
  const child = spawnDaemon(["client", ...flags], { detached: true, stdio: ["ignore", log, log] });
  let ended: number | null = null;
  child.on("exit", (code) => {
    ended = code ?? EXIT.failed;
  });
  child.unref();
  const deadline = performance.now() + START_MS_MAX;
  while (performance.now() < deadline) {
    if (ended !== null) throw startFailure(ended, readFileSync(file, "utf8").slice(from).slice(-LOG_TAIL_BYTES), file);
    if (await isRunning(control)) return;
    await pause(ASK_EVERY_MS);
  }
  throw new ControlError({
    code: "timeout",
    message: "the daemon did not start in time",
    why: `no answer at ${control.socket}`,
    hint: `see ${file}`,
    retryAfterMs: null,
  });
}

function startFailure(exit: number, log: string, file: string): ControlError {
  const [, message = "the daemon ended at once", why = `exit code ${exit}`, hint = `see ${file}`] =
    /error: (.*)\n\s+why: (.*)\n\s+do:\s+(.*)/.exec(log) ?? [];
  return new ControlError({
    code: exit === EXIT.configuration ? "configuration" : "failed",
    message,
    why,
    hint,
    retryAfterMs: null,
  });
}

async function advise(control: Control): Promise<void> {
  const { publicKey, unresolved, view } = await control.status();
  for (const name of unresolved) process.stderr.write(`  why: ${unresolvedText(name)}\n`);
  if (view.dial === null || unresolved.some(({ inUse }) => inUse.length === 0)) return;
  for (const line of dialAdvice(publicKey, view.dial.lastReason)) process.stderr.write(`${line}\n`);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return cause instanceof Error && "code" in cause && cause.code === "EPERM";
  }
}

function seconds(text: string): number {
  const value = Number(text.replace(/s$/, ""));
  if (!(value > 0 && value <= 86_400)) throw new InvalidArgumentError("seconds, at most 86400, are expected.");
  return value;
}
