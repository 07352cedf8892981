import { createRequire } from "node:module";
import { causeText, type Fault, StartFailure } from "#daemon/fault";
import type { Command, EngineConfig, ReportBatch } from "#kernel/contract/engine.generated";
import { EXIT } from "#kernel/contract/exit-code";

/** The daemon's interface to the packet engine: batches of commands in, batches of reports out. */
export interface EnginePort {
  /**
   * The engine accepts all commands or none. Throws `EngineBusy` if more than 65,536 would wait for a worker, and after
   * `stop`; throws another error if a command is malformed.
   */
  apply(commands: readonly Command[]): void;
  /** The oldest waiting reports, at most `max` (1 … 1,024). An empty batch after `stop`. */
  drain(max: number): ReportBatch;
  /** Sends all queued packets, then closes device and sockets. Returns when the threads have ended. */
  stop(): void;
}

/** The engine cannot accept these commands now; it may accept them later. */
export class EngineBusy extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "EngineBusy";
  }
}

/** The exports of `build/engine.node`. */
interface Native {
  readonly Engine: new (
    configJson: string,
    onReports: () => void,
  ) => { apply(commandsJson: string): void; drain(max: number): string; stop(): void };
  bootMs(): number;
  generateKey(path: string): string;
  publicKey(path: string): string;
  notifySystemd(state: string): void;
  lookUp(host: string, done: (answerJson: string) => void): void;
}

let loaded: Native | undefined;

/**
 * Starts the engine. Its TUN device, sockets and threads exist until `stop`. `onReports` is called when reports wait,
 * and not again before `drain`. Throws a `StartFailure` for a bad key file or setting (exit code 4), and for a missing
 * device or permission or a busy port (exit code 1).
 */
export function startEngine(config: EngineConfig, onReports: () => void): EnginePort {
  const { Engine } = native();
  const engine = refusing(() => new Engine(JSON.stringify(config), onReports));
  return {
    apply: (commands) => applyTo(engine, commands),
    // The engine and these types are built from one source, so its reports need no validation.
    drain: (max) => JSON.parse(engine.drain(max)) as ReportBatch,
    stop: () => engine.stop(),
  };
}

/** Milliseconds of `CLOCK_BOOTTIME`, which includes time in suspend; with fractions down to microseconds. */
export function bootMs(): number {
  return native().bootMs();
}

/** Creates a private key file (mode 0600; an existing file is never overwritten) and returns its public key. */
export function generateKey(path: string): string {
  return refusing(() => native().generateKey(path));
}

/** The public key of a private key file. */
export function publicKey(path: string): string {
  return refusing(() => native().publicKey(path));
}

/**
 * The addresses of a name, sorted, as every program of this machine finds them. Rejects with the system's words. It may
 * take half a minute, but keeps nothing waiting, not even the end of the process.
 */
export function lookUp(host: string): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    native().lookUp(host, (text) => {
      const answer = JSON.parse(text) as { readonly addresses: readonly string[] } | { readonly why: string };
      if ("why" in answer) reject(new Error(answer.why));
      else resolve(answer.addresses);
    });
  });
}

/** Sends a state such as `READY=1` to the service manager; does nothing without one. */
export function notifySystemd(state: string): void {
  native().notifySystemd(state);
}

function native(): Native {
  if (loaded === undefined) {
    // Compiled, this file is build/daemon/ports/engine.js; tests run it from its source.
    const own = import.meta.url.endsWith(".ts") ? "../../build/engine.node" : "../../engine.node";
    // For benchmarks that compare builds of the engine. Whoever sets this environment could also replace the program.
    const file = process.env.JVPN_ENGINE ?? own;
    try {
      loaded = createRequire(import.meta.url)(file) as Native;
    } catch (cause) {
      const fault = { what: "cannot load the engine", why: causeText(cause), hint: "run `npm run build`" };
      throw new StartFailure([fault], EXIT.failed, { cause });
    }
  }
  return loaded;
}

function applyTo(engine: InstanceType<Native["Engine"]>, commands: readonly Command[]): void {
  try {
    engine.apply(JSON.stringify(commands));
  } catch (cause) {
    throw isInvalidArg(cause) ? cause : new EngineBusy(causeText(cause), { cause });
  }
}

const isInvalidArg = (cause: unknown): boolean => cause instanceof Error && "code" in cause && cause.code === "InvalidArg";

/** Converts the engine's refusal, three lines of text, to a fault. */
function refusing<T>(start: () => T): T {
  try {
    return start();
  } catch (cause) {
    const [what = "the engine refused the request", why = "no reason was given", hint = "see the log"] =
      causeText(cause).split("\n");
    const fault: Fault = { what, why, hint };
    throw new StartFailure([fault], isInvalidArg(cause) ? EXIT.configuration : EXIT.failed, { cause });
  }
}
