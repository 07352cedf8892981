import { rmSync } from "node:fs";
import type { Server } from "node:http";
import { hostname } from "node:os";
import { createAdaptorServer } from "@hono/node-server";
import type { OperatorOutcome, OperatorRequest } from "#core/contract";
import { Client } from "#daemon/client/client";
import { KnownNames } from "#daemon/client/known-names";
import { engineConfig } from "#daemon/config/engine-config";
import { loadSettings, type Settings } from "#daemon/config/load";
import { faultLine, policyBeside } from "#daemon/config/policy";
import { keyFaults } from "#daemon/config/ready";
import { reloaded } from "#daemon/config/reloaded";
import type { Sessions } from "#daemon/control/find";
import { type ControlTarget, createRoutes } from "#daemon/control/routes";
import { listen } from "#daemon/control/socket";
import { causeText, type Fault } from "#daemon/fault";
import { Gateway } from "#daemon/gateway/gateway";
import { EventLines } from "#daemon/log/event-lines";
import type { Log } from "#daemon/log/log";
import { Loop } from "#daemon/loop/loop";
import type { Places } from "#daemon/options";
import { PolicyBook } from "#daemon/policy/policy-book";
import { PolicyHistory } from "#daemon/policy/policy-history";
import type { EnginePort } from "#daemon/ports/engine";
import { chainEnd } from "#daemon/record/chain";
import { RecordMark } from "#daemon/record/mark";
import { Recorder } from "#daemon/record/recorder";
import { FileSink } from "#daemon/record/sinks/file";
import type { Role, RoleContext } from "#daemon/role";
import { statusDocument } from "#daemon/status";
import type { Store } from "#daemon/store/database";
import type { SystemChanges } from "#daemon/system/changes";
import type { Machine } from "#daemon/system/machine";
import { Tunnel } from "#daemon/system/tunnel";
import type { StatusDocument, VersionDocument } from "#kernel/contract/control";
import type { EngineConfig, Report } from "#kernel/contract/engine.generated";
import type { CoreEvent } from "#kernel/contract/event";
import { EXIT, type ExitCode } from "#kernel/contract/exit-code";

/** Everything that a daemon needs, already opened and claimed. */
interface Foundations {
  readonly version: string;
  readonly configFile: string;
  readonly settings: Settings;
  readonly places: Places;
  readonly log: Log;
  readonly store: Store;
  readonly machine: Machine;
  readonly changes: SystemChanges;
  readonly startEngine: (config: EngineConfig, onReports: () => void) => EnginePort;
  readonly bootMs: () => number;
  /** Called once, after everything is closed. */
  readonly ended: (exit: ExitCode) => void;
}

const FLUSH_MS_MAX = 1_000;
/** Records that the operational log repeats. */
const REPEATED: ReadonlySet<CoreEvent["type"]> = new Set([
  "SessionCreated",
  "SessionStateChange",
  "SessionTerminated",
  "TransportDead",
  "TransportSwitch",
  "TransportSwitchDenied",
  "SecurityEvent",
  "PolicyApplied",
  "DomainFault",
  "DialFailed",
]);

/** A running gateway or client: the loop, and the ports around it. */
export class Daemon implements ControlTarget {
  readonly policy: PolicyBook;
  readonly sessions: Sessions;
  readonly #on: Foundations;
  readonly #node: string;
  readonly #recorder: Recorder;
  readonly #lines: EventLines;
  readonly #tunnel: Tunnel;
  readonly #loop: Loop;
  readonly #role: Role;
  readonly #server: Server;
  #settings: Settings;
  #config: StatusDocument["config"] = { errors: [], warnings: [], awaitingRestart: [] };
  #engine: EnginePort | null = null;
  #started: Extract<Report, { type: "Started" }> | null = null;
  #ending = false;

  constructor(on: Foundations) {
    const { settings, places, log } = on;
    this.#on = on;
    this.#settings = settings;
    this.#node = settings.daemon.node ?? hostname();
    this.#lines = new EventLines(log, on.bootMs);
    this.#recorder = new Recorder({
      node: this.#node,
      sinks: [new FileSink(places.events)],
      end: chainEnd(places.events),
      mark: new RecordMark(on.store),
      bootMs: on.bootMs,
      healthChanged: (health, why) =>
        health === "ok" ? log.info("events are recorded again") : log.warn({ why }, "events cannot be recorded"),
    });
    this.#tunnel = new Tunnel(on.changes, settings.interface, settings.mtu, {
      changed: (view) => (view.state === "failed" ? this.#tunnelFailed(view.error ?? "") : log.info(view, "tunnel")),
      warned: (message) => log.warn(message),
    });
    this.#role = roleOf(settings, this.#node, on.store, {
      log,
      machine: on.machine,
      tunnel: this.#tunnel,
      tunnelFailed: (error) => this.#tunnelFailed(error),
      policy: () => this.policy.values,
      feed: (input) => this.#loop.feed(input),
      diagnose: (numbers) => this.#recorder.note("Diagnostic", numbers),
    });
    this.#loop = new Loop(settings.role, {
      bootMs: on.bootMs,
      event: (event) => this.#event(event),
      tunnel: (assignment) => this.#role.assigned(assignment),
      store: this.#role.store,
      report: (report) => this.#reported(report),
      trace: log.isLevelEnabled("trace") ? (input, effects) => log.trace({ input, effects }, "step") : null,
      contained: (what) => log.error(what),
      fatal: (what) => this.#fatal(what),
    });
    const place = { file: places.policy, beside: policyBeside(on.configFile) };
    this.policy = new PolicyBook(new PolicyHistory(on.store), place, (offered) => this.#loop.feed(offered), Date.now);
    this.sessions = this.#loop;
    this.#server = createAdaptorServer({ fetch: createRoutes(this).fetch }) as Server;
  }

  /** Resolves when operators can use the daemon. On a failure, undoes what was done and throws a `StartFailure`. */
  async start(): Promise<void> {
    const { log, places } = this.#on;
    try {
      this.#readPolicy();
      this.#engine = this.#on.startEngine(engineConfig(this.#settings), () => this.#loop.reportsWait());
      await this.#role.prepare();
      this.#loop.attach(this.#engine);
      this.#role.configure(this.#settings);
      await listen(this.#server, places.socket);
      this.#loop.reportsWait();
      log.info({ role: this.#settings.role, node: this.#node, socket: places.socket }, "ready");
    } catch (cause) {
      await this.#takeDown();
      throw cause;
    }
  }

  neverUses(interfaceName: string): boolean {
    return this.#role.neverUses(interfaceName);
  }

  version(): VersionDocument {
    const { role } = this.#settings;
    return { schema: "jumping-vpn/version/v1", version: this.#on.version, node: this.#node, pid: process.pid, role };
  }

  status(): StatusDocument {
    return statusDocument({
      version: this.version(),
      started: this.#started,
      tunnel: this.#tunnel.view,
      unresolved: this.#role.unresolved,
      refused: this.#role.refused,
      config: this.#config,
      record: this.#recorder.status,
      recordHealth: this.#recorder.health,
      reports: this.#loop.reports,
      view: this.#loop.view(),
    });
  }

  timeline(id: string) {
    return this.#recorder.timeline(id);
  }

  operate(actor: string, request: OperatorRequest): Promise<OperatorOutcome> {
    return this.#loop.operate(actor, request);
  }

  policyRefused(actor: string, faults: readonly Fault[]): void {
    this.#configFailure(faults, `operator:${actor}`);
  }

  shutdown(actor: string): void {
    this.#on.log.info({ actor }, "an operator requested the stop");
    setImmediate(() => void this.end(EXIT.ok, { release: true })); // after the answer is sent
  }

  subscribe(since: number | null) {
    return this.#recorder.subscribe(since);
  }

  unsubscribe(subscriber: Parameters<Recorder["unsubscribe"]>[0]): void {
    this.#recorder.unsubscribe(subscriber);
  }

  /** Reads configuration and policy again. If one of them is invalid, its last valid version stays in force. */
  async reload(): Promise<void> {
    const { configFile, log } = this.#on;
    const loaded = loadSettings(this.#settings.role, configFile);
    if (loaded.ok) {
      const { settings, kept } = reloaded(this.#settings, loaded.value);
      if (kept.length > 0)
        log.warn({ settings: kept }, "settings that need a restart were changed; they keep their values until then");
      this.#settings = settings;
      const warnings = keyFaults(loaded.value);
      this.#config = {
        errors: [],
        warnings: warnings.map((fault) => `${faultLine(fault)}: ${fault.why}`),
        awaitingRestart: kept,
      };
      for (const { what, why, hint } of warnings) {
        log.warn({ why, hint }, `the next start will fail: ${what}`);
        this.#recorder.note("Diagnostic", { what: "next_start_will_fail", fault: what, why });
      }
      this.#role.configure(this.#settings);
    } else {
      this.#config = { ...this.#config, errors: loaded.faults.map(faultLine) };
      this.#configFailure(loaded.faults, "core");
    }
    const valid = this.#readPolicy();
    if (loaded.ok && valid) log.info("reloaded");
  }

  /** True if the policy is valid. Its faults are logged; the core records them and denies new sessions. */
  #readPolicy(): boolean {
    try {
      const faults = this.policy.read();
      this.#logFaults(faults);
      return faults.length === 0;
    } catch (cause) {
      const what = "the policy cannot be written to the store";
      this.#logFaults([{ what, why: causeText(cause), hint: "check the disk of the state directory, then reload" }]);
      if (this.policy.values === null) throw cause;
      return false;
    }
  }

  /**
   * Closes every session, undoes all changes on the machine, and ends. Without `release` the backstop stays. A second
   * call has no effect.
   */
  async end(exit: ExitCode, { release }: { readonly release: boolean }): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    this.#loop.stop();
    await this.#takeDown();
    if (release) await releaseBackstop(this.#on.changes, this.#on.log);
    this.#on.log.info("stopped");
    this.#on.ended(exit);
  }

  async #takeDown(): Promise<void> {
    this.#role.stop();
    await this.#tunnel.wish(null);
    this.#engine?.stop();
    await this.#recorder.close(FLUSH_MS_MAX);
    this.#server.close();
    this.#on.store.close();
    if (this.#server.listening || this.#ending) rmSync(this.#on.places.socket, { force: true });
  }

  #tunnelFailed(error: string): void {
    this.#on.log.error({ error }, "the tunnel cannot be set up; its changes are undone");
    this.#recorder.note("Diagnostic", { what: "tunnel_setup_failed", error });
  }

  #reported(report: Report): void {
    this.#role.reported(report);
    if (report.type !== "Started") return;
    this.#started = report;
    const { aloneBecause: why } = report;
    if (why !== null) this.#on.log.warn({ why }, "one worker moves all packets, although the machine has processors for more");
  }

  #event(event: CoreEvent): void {
    this.#recorder.record(event);
    if (REPEATED.has(event.type)) this.#lines.repeat(event.type, () => detailsOf(event));
    this.#role.recorded(event);
  }

  #fatal(what: string): void {
    this.#on.log.fatal(what);
    this.#recorder.note("Diagnostic", { what });
    void this.end(EXIT.failed, { release: false });
  }

  #configFailure(faults: readonly Fault[], actor: CoreEvent["actor"]): void {
    this.#logFaults(faults);
    const first = faults[0];
    if (first !== undefined) this.#recorder.note("ConfigFailure", { what: faultLine(first), faults: faults.length }, actor);
  }

  #logFaults(faults: readonly Fault[]): void {
    for (const fault of faults) {
      this.#on.log.error(
        { why: fault.why, hint: fault.hint },
        `${faultLine(fault)}; the last valid configuration stays in force`,
      );
    }
  }
}

async function releaseBackstop(changes: SystemChanges, log: Log): Promise<void> {
  for (const complaint of await changes.release()) log.warn(`a part of the backstop cannot be removed: ${complaint}`);
}

function detailsOf(event: CoreEvent): object {
  const { session, from, to, reason, transport, numbers } = event;
  const policy = session === undefined ? event.policy : undefined;
  return { session, from, to, reason, transport, policy, numbers };
}

function roleOf(settings: Settings, node: string, database: Store, context: RoleContext): Role {
  if (settings.role === "gateway") return new Gateway(context, node, settings, database);
  const storeFailed = (why: string) => context.log.warn({ why }, "the addresses of gateways cannot be kept for the next start");
  return new Client(context, settings, new KnownNames(database, storeFailed));
}
