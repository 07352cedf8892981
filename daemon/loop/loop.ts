import type { Effect, Input, OperatorOutcome, OperatorRequest } from "#core/contract";
import { WISH_MS_MAX } from "#core/session/wish";
import { step } from "#core/step";
import { explainSession } from "#core/view/explain";
import { sessionAt, sessionPage, sessionsNamed, view } from "#core/view/view";
import { createCore, type World } from "#core/world";
import { causeText } from "#daemon/fault";
import { Orders } from "#daemon/loop/orders";
import type { EnginePort } from "#daemon/ports/engine";
import type { StorePort, StoreRequest } from "#daemon/store/port";
import type { StatusDocument } from "#kernel/contract/control";
import type { Assignment, Command, Report, ReportBatch } from "#kernel/contract/engine.generated";
import type { CoreEvent } from "#kernel/contract/event";
import type { SessionReasonView } from "#kernel/contract/policy";
import type { Reason } from "#kernel/contract/reason";
import type { Role, SessionHandle } from "#kernel/contract/state";
import type { NodeView, PageQuery, SessionName, SessionPage, SessionView } from "#kernel/contract/view";
import type { Millis } from "#kernel/time";

/** Reports that are processed before timers and operators' requests are. */
const BATCH = 256;
/** Most operators' requests that wait for the core. After `REPLY_MS_MAX` a request is answered as failed. */
const REQUESTS_MAX = 1_024;
/** The core itself answers a switch within `WISH_MS_MAX`. */
const REPLY_MS_MAX = WISH_MS_MAX + 2_000;
/** Most exceptions that are contained within a minute; one more ends the daemon. */
const THROWS_MAX = 16;
const THROWS_MS = 60_000;
/** Longest time that `setTimeout` accepts. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** The parts around the loop. None of these functions may call the loop. */
interface Surroundings {
  /** Milliseconds of the boot-time clock. */
  readonly bootMs: () => number;
  readonly event: (event: CoreEvent) => void;
  readonly tunnel: (assignment: Assignment | null) => void;
  /** The store of record; `null` at a client. */
  readonly store: StorePort | null;
  /** Called with each report before the core processes it. */
  readonly report: (report: Report) => void;
  /** Called with every input and its effects, for debugging; `null` = tracing is off. */
  readonly trace: ((input: Input, effects: readonly Effect[]) => void) | null;
  /** An exception was contained, and the loop continues; for the operational log. */
  readonly contained: (what: string) => void;
  /** The loop cannot continue. */
  readonly fatal: (what: string) => void;
}

type Fault = Extract<Input, { type: "Faulted" | "Engine" }>;

/**
 * The loop: one input → `step` → all its effects → the next input, without an `await` in between. Only the loop reads
 * the clock. If the clock goes back, which is a fault of ours, the core ends every session and then the daemon ends.
 * The effects of one batch of reports go to the store in one call, and then to the engine in one call, in order.
 *
 * Faults are contained. An exception while an input is processed becomes the next input (`Faulted`) and ends only the
 * session of that input. A command that the engine cannot read becomes a report (`Refused`), like a command that it
 * refuses, and also ends only its own session. Too many exceptions end the daemon.
 */
export class Loop {
  readonly #world: World;
  readonly #around: Surroundings;
  #engine: EnginePort | null = null;
  #orders: Orders | null = null;
  #working = false;
  /** Requests to the store since its last call. */
  #requests: StoreRequest[] = [];
  /** A batch of reports is being processed: its requests go to the store together. */
  #batching = false;
  /** Faults of the input that is being processed. */
  #faults: Fault[] = [];
  /** Times of the exceptions, newest last. */
  #throws: number[] = [];
  #lastNow = 0;
  #timer: NodeJS.Timeout | null = null;
  #ended = false;
  #draining = false;
  #nextRequest = 1;
  #waitingMost = 0;
  #reportsLost = 0;
  readonly #replies = new Map<number, (outcome: OperatorOutcome) => void>();

  constructor(role: Role, around: Surroundings) {
    this.#world = createCore(role);
    this.#around = around;
  }

  /** From now on, the core's commands go to this engine. */
  attach(engine: EnginePort): void {
    this.#engine = engine;
    this.#orders = new Orders(engine, {
      refused: (command, why) => this.#refused(command, why),
      stuck: (why) => this.#fail(why),
    });
  }

  feed(input: Input): void {
    if (this.#ended) return;
    const now = Math.floor(this.#around.bootMs());
    const fellMs = this.#lastNow - now;
    this.#lastNow = Math.max(now, this.#lastNow);
    this.#work(input, now);
    if (fellMs > 0) this.#fail(`the clock went back by ${fellMs} ms`);
    this.#workFaults();
    if (!this.#batching) this.#askStore();
  }

  /** Call it when reports wait. They are drained in batches, so that timers and operators' requests are served too. */
  reportsWait(): void {
    if (this.#draining || this.#engine === null) return;
    this.#draining = true;
    this.#drain(this.#engine);
  }

  /** Resolves with the core's answer to an operator's request. */
  operate(actor: string, request: OperatorRequest): Promise<OperatorOutcome> {
    if (this.#ended) return Promise.resolve(ENDING);
    if (this.#replies.size >= REQUESTS_MAX) {
      const message = `${REQUESTS_MAX} requests already wait`;
      return Promise.resolve(unanswered("resource_exhausted", message, "try again when fewer of them wait"));
    }
    const id = this.#nextRequest++;
    return new Promise((resolve) => {
      const late = setTimeout(() => {
        this.#replies.delete(id);
        const message = `the core gave no answer within ${REPLY_MS_MAX / 1_000} s`;
        resolve(unanswered("resource_exhausted", message, "look at the load of this machine, then try again"));
      }, REPLY_MS_MAX);
      this.#replies.set(id, (outcome) => {
        clearTimeout(late);
        resolve(outcome);
      });
      this.feed({ type: "Operator", id, actor, request });
    });
  }

  /** The engine's reports: the largest number that waited at once, and the number of dropped snapshots. */
  get reports(): StatusDocument["reports"] {
    return { waitingMost: this.#waitingMost, lost: this.#reportsLost };
  }

  view(): NodeView {
    return view(this.#world, this.#now());
  }

  /** The time to which the answers of this class belong. */
  bootMs(): Millis {
    return this.#now();
  }

  page(query: PageQuery): SessionPage {
    return sessionPage(this.#world, query, this.#now());
  }

  named(beginning: string): readonly SessionName[] {
    return sessionsNamed(this.#world, beginning);
  }

  session(handle: SessionHandle): SessionView | null {
    return sessionAt(this.#world, handle, this.#now());
  }

  /** What the policy permits a live session now, and why its paths rank as they do; `null` if it is not live. */
  explain(session: SessionHandle): SessionReasonView | null {
    return explainSession(this.#world, session, this.#now());
  }

  #now(): number {
    return Math.max(this.#lastNow, Math.floor(this.#around.bootMs()));
  }

  /** Feeds the last input, which closes every session. Later inputs are ignored. */
  stop(): void {
    this.feed({ type: "Stop" });
    this.#end();
  }

  #drain(engine: EnginePort): void {
    if (this.#ended) return;
    let batch: ReportBatch;
    try {
      batch = engine.drain(BATCH);
    } catch (cause) {
      this.#fail(`the engine's reports cannot be read: ${causeText(cause)}`);
      return;
    }
    this.#orders?.gather();
    this.#batching = true;
    for (const { report } of batch.reports) {
      this.#hear(report);
      if (report.type === "Fatal") this.#fail(`the engine stopped: ${report.what}`);
    }
    this.#batching = false;
    this.#askStore();
    this.#release();
    this.#waitingMost = Math.max(this.#waitingMost, batch.waiting + batch.reports.length);
    this.#reportsLost += batch.lost;
    if (batch.waiting > 0) setImmediate(() => this.#drain(engine));
    else this.#draining = false;
  }

  /** If the store throws, its requests stay unanswered: their sessions wait in BIRTH until BIRTH_TTL has passed. */
  #askStore(): void {
    const { store } = this.#around;
    const requests = this.#requests;
    if (requests.length === 0 || store === null || this.#ended) return;
    this.#requests = [];
    try {
      store.perform(requests, (token, outcome) => this.feed({ type: "StoreAnswered", token, outcome }));
    } catch (cause) {
      this.#threw("Store", null, cause);
      this.#workFaults();
    }
  }

  /** Sends the gathered commands. Commands that the engine refuses become faults, which are processed afterwards. */
  #release(): void {
    this.#working = true;
    this.#orders?.release();
    this.#working = false;
    this.#workFaults();
  }

  /** A report with a number that JavaScript cannot hold is refused; a rounded number must not reach the engine. */
  #hear(report: Report): void {
    const inexact = inexactIn(report);
    if (inexact !== null) {
      const why = `${inexact} is not a number of at most 53 bits`;
      this.feed({ type: "Faulted", session: sessionOf(report), what: `report ${report.type}`, why, thrown: false });
      return;
    }
    try {
      this.#around.report(report);
      this.feed({ type: "Engine", report });
    } catch (cause) {
      this.#threw(report.type, sessionOf(report), cause);
      this.#workFaults();
    }
  }

  /** Processes one input and all its effects. An exception becomes a fault, which is processed after this input. */
  #work(input: Input, now: number): void {
    this.#working = true;
    try {
      const effects = step(this.#world, input, now);
      this.#around.trace?.(input, effects);
      this.#obey(effects, input);
    } catch (cause) {
      this.#threw(input.type === "Engine" ? input.report.type : input.type, sessionOf(input), cause);
      if (input.type === "Operator")
        this.#reply(input.id, unanswered("state_corruption", "the core failed on this request", "see the record"));
      if (input.type === "Faulted") this.#fail(`a fault could not be contained: ${input.what}: ${input.why}`);
    } finally {
      this.#working = false;
    }
  }

  #workFaults(): void {
    for (let fault = this.#faults.shift(); fault !== undefined && !this.#ended; fault = this.#faults.shift())
      this.#work(fault, this.#lastNow);
  }

  #threw(what: string, session: SessionHandle | null, cause: unknown): void {
    this.#throws = [...this.#throws.filter((at) => at > this.#lastNow - THROWS_MS), this.#lastNow];
    if (this.#throws.length > THROWS_MAX) {
      this.#fail(`${this.#throws.length} faults within a minute, the last one on ${what}: ${stackOf(cause)}`);
      return;
    }
    this.#faults.push({ type: "Faulted", session, what, why: causeText(cause), thrown: true });
    this.#around.contained(`a fault on ${what} was contained: ${stackOf(cause)}`);
  }

  #refused(command: Command, why: string): void {
    const path = command.type === "OpenPath" ? command.path : null;
    const dial = command.type === "Dial" ? command.dial : null;
    const report = { type: "Refused", command: command.type, session: sessionOf(command), path, dial, why } as const;
    this.#faults.push({ type: "Engine", report });
    if (!this.#working) this.#workFaults();
  }

  #obey(effects: readonly Effect[], input: Input): void {
    const commands: Command[] = [];
    for (const effect of effects) {
      if (effect.type === "Engine") commands.push(effect.command);
      else this.#carryOut(effect, input);
    }
    if (commands.length > 0) this.#orders?.give(commands);
  }

  /** If this effect throws, the following effects are still carried out. */
  #carryOut(effect: Exclude<Effect, { type: "Engine" }>, input: Input): void {
    try {
      switch (effect.type) {
        case "Event":
          this.#around.event(effect.event);
          break;
        case "Tunnel":
          this.#around.tunnel(effect.assignment);
          break;
        case "Store":
          this.#requests.push({ token: effect.token, operation: effect.operation });
          break;
        case "Reply":
          this.#reply(effect.id, effect.outcome);
          break;
        case "Wake":
          this.#wakeAt(effect.at);
          break;
      }
    } catch (cause) {
      this.#threw(effect.type, effect.type === "Tunnel" ? sessionOf(input) : null, cause);
    }
  }

  #reply(id: number, outcome: OperatorOutcome): void {
    this.#replies.get(id)?.(outcome);
    this.#replies.delete(id);
  }

  #wakeAt(at: number | null): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (at === null || this.#ended) return;
    // Rounded up: an early tick would find no timer due and set another one.
    const wait = Math.ceil(at - this.#around.bootMs());
    this.#timer = setTimeout(() => this.feed({ type: "Tick" }), Math.min(TIMER_MS_MAX, Math.max(0, wait)));
  }

  #fail(what: string): void {
    if (this.#ended) return;
    this.#closeSessions();
    this.#end();
    this.#around.fatal(what);
  }

  /** Closes every session of a loop that cannot continue, at the last valid time. Failures are ignored. */
  #closeSessions(): void {
    try {
      const stop: Input = { type: "Stop" };
      this.#obey(step(this.#world, stop, this.#lastNow), stop);
    } catch {
      // the engine drops all keys when it stops
    }
  }

  #end(): void {
    this.#ended = true;
    this.#orders?.release();
    this.#orders?.stop();
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const reply of this.#replies.values()) reply(ENDING);
    this.#replies.clear();
  }
}

function unanswered(code: Reason, message: string, hint: string): OperatorOutcome {
  return { ok: false, error: { code, message, hint, retryAfterMs: null } };
}

/** The name of the first member with a number that JavaScript cannot hold; `null` = there is none. */
function inexactIn(report: Report): string | null {
  for (const name in report) {
    const value: unknown = report[name as keyof Report];
    if (typeof value === "number" && !Number.isSafeInteger(value)) return name;
  }
  return null;
}

/** The session of an input, report or command; `null` = none, or all. */
function sessionOf(about: Input | Report | Command): SessionHandle | null {
  if (about.type === "Engine") return sessionOf(about.report);
  return "session" in about ? about.session : null;
}

function stackOf(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}

const ENDING = unanswered("daemon_stopped", "the daemon is ending", "try again when it runs");
