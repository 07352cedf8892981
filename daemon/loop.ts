import type { Effect, Input, OperatorRequest } from "#core/contract";
import { explainSession } from "#core/explain";
import { step } from "#core/step";
import { sessionAt, sessionPage, sessionsNamed, view } from "#core/view";
import { createCore, type World } from "#core/world";
import type { OperatorOutcome } from "#daemon/control/routes";
import { causeText } from "#daemon/fault";
import { Orders } from "#daemon/orders";
import type { EnginePort } from "#daemon/ports/engine";
import type { StatusDocument } from "#kernel/contract/control";
import type { Assignment, Command, Report, ReportBatch } from "#kernel/contract/engine.generated";
import type { CoreEvent } from "#kernel/contract/event";
import type { SessionReasonView } from "#kernel/contract/policy";
import type { Reason } from "#kernel/contract/reason";
import type { Role, SessionHandle } from "#kernel/contract/state";
import type { NodeView, PageQuery, SessionName, SessionPage, SessionView } from "#kernel/contract/view";
import type { Millis } from "#kernel/time";

/** Reports worked off before timers and operators get their turn. */
const BATCH = 256;
/** Operators' requests that wait for the core; an answer that does not come in time is told as such. */
const REQUESTS_MAX = 1_024;
const REPLY_MS_MAX = 10_000;
/** Throws that are contained within a minute; one more is no accident, and the daemon ends. */
const THROWS_MAX = 16;
const THROWS_MS = 60_000;
/** `setTimeout` cannot wait longer. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** The world around the loop. None of these may call back into it. */
export interface Surroundings {
  /** Milliseconds of the boot-time clock. */
  readonly bootMs: () => number;
  readonly event: (event: CoreEvent) => void;
  readonly tunnel: (assignment: Assignment | null) => void;
  /** The reports of one batch, before the first of them is worked off. */
  readonly expect: (reports: readonly Report[]) => void;
  /** A report, before the core gets it; what it returns goes with it. */
  readonly before: (report: Report) => Extract<Input, { type: "Engine" }>;
  /** Every input with its effects, for a person who looks for a fault; `null` = nobody looks. */
  readonly trace: ((input: Input, effects: readonly Effect[]) => void) | null;
  /** Something threw, and the loop goes on; for the operational log. */
  readonly contained: (what: string) => void;
  /** The loop cannot go on. */
  readonly fatal: (what: string) => void;
}

type Fault = Extract<Input, { type: "Faulted" | "Engine" }>;

/**
 * The law of the loop: one input → `step` → all its effects → the next input. Nothing awaits in between. The clock is read here and
 * nowhere else; a clock that goes back is a fault of ours: the core ends every session, and then the daemon ends. Orders to the
 * engine that follow from one batch of reports leave in one call at its end, in their order.
 *
 * A fault is contained: a throw while one input is worked off is the next input (`Faulted`) and costs its own session.
 * A command that the engine cannot read becomes the same report (`Refused`) as one that it reads and refuses, and costs
 * its own session too. Too many throws end the daemon.
 */
export class Loop {
  readonly #world: World;
  readonly #around: Surroundings;
  #engine: EnginePort | null = null;
  #orders: Orders | null = null;
  #working = false;
  /** What went wrong with the input that is being worked off. */
  #faults: Fault[] = [];
  /** When something threw, newest last. */
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

  /** From here on the core's commands have somebody to obey them. */
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
  }

  /** The engine says that reports wait. They are drained in batches, so that nobody starves. */
  reportsWait(): void {
    if (this.#draining || this.#engine === null) return;
    this.#draining = true;
    this.#drain(this.#engine);
  }

  /** The core's answer to an operator. */
  operate(actor: string, request: OperatorRequest): Promise<OperatorOutcome> {
    if (this.#ended || this.#replies.size >= REQUESTS_MAX) {
      return Promise.resolve(refused(this.#ended ? "the daemon is ending" : `${REQUESTS_MAX} requests wait already`));
    }
    const id = this.#nextRequest++;
    return new Promise((resolve) => {
      const late = setTimeout(() => {
        this.#replies.delete(id);
        resolve(refused("the core gave no answer in time"));
      }, REPLY_MS_MAX);
      this.#replies.set(id, (outcome) => {
        clearTimeout(late);
        resolve(outcome);
      });
      this.feed({ type: "Operator", id, actor, request });
    });
  }

  /** The engine's reports: how many waited at most, and how many snapshots had to give way. */
  get reports(): StatusDocument["reports"] {
    return { waitingMost: this.#waitingMost, lost: this.#reportsLost };
  }

  view(): NodeView {
    return view(this.#world, this.#now());
  }

  /** The time of what it tells. */
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

  /** What the policy permits a live session now, and why its paths rank as they do; `null` where it does not live. */
  explain(session: SessionHandle): SessionReasonView | null {
    return explainSession(this.#world, session, this.#now());
  }

  #now(): number {
    return Math.max(this.#lastNow, Math.floor(this.#around.bootMs()));
  }

  /** Last input: every session is closed. Afterwards nothing moves any more. */
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
    this.#around.expect(batch.reports.map(({ report }) => report));
    for (const { report } of batch.reports) {
      this.#hear(report);
      if (report.type === "Fatal") this.#fail(`the engine stopped: ${report.what}`);
    }
    this.#release();
    this.#waitingMost = Math.max(this.#waitingMost, batch.waiting + batch.reports.length);
    this.#reportsLost += batch.lost;
    if (batch.waiting > 0) setImmediate(() => this.#drain(engine));
    else this.#draining = false;
  }

  /** What the engine refuses now are faults that follow. */
  #release(): void {
    this.#working = true;
    this.#orders?.release();
    this.#working = false;
    this.#workFaults();
  }

  /** A number that JavaScript cannot hold is never handed back to the engine as another one. */
  #hear(report: Report): void {
    const inexact = inexactIn(report);
    if (inexact !== null) {
      const why = `${inexact} is not a number of at most 53 bits`;
      this.feed({ type: "Faulted", session: sessionOf(report), what: `report ${report.type}`, why, thrown: false });
      return;
    }
    try {
      this.feed(this.#around.before(report));
    } catch (cause) {
      this.#threw(report.type, sessionOf(report), cause);
      this.#workFaults();
    }
  }

  /** One input and all its effects. What throws becomes a fault that waits for the end of this input. */
  #work(input: Input, now: number): void {
    this.#working = true;
    try {
      const effects = step(this.#world, input, now);
      this.#around.trace?.(input, effects);
      this.#obey(effects, input);
    } catch (cause) {
      this.#threw(input.type === "Engine" ? input.report.type : input.type, sessionOf(input), cause);
      if (input.type === "Operator")
        this.#reply(input.id, unanswered("state_corruption", "the core failed on it", "see the record"));
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
      this.#fail(`${this.#throws.length} faults within a minute, at last on ${what}: ${stackOf(cause)}`);
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

  /** A throw costs this effect and not those behind it. */
  #carryOut(effect: Exclude<Effect, { type: "Engine" }>, input: Input): void {
    try {
      switch (effect.type) {
        case "Event":
          this.#around.event(effect.event);
          break;
        case "Tunnel":
          this.#around.tunnel(effect.assignment);
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
    // Rounded up: an early tick would find nothing due and ask again.
    const wait = Math.ceil(at - this.#around.bootMs());
    this.#timer = setTimeout(() => this.feed({ type: "Tick" }), Math.min(TIMER_MS_MAX, Math.max(0, wait)));
  }

  #fail(what: string): void {
    if (this.#ended) return;
    this.#closeSessions();
    this.#end();
    this.#around.fatal(what);
  }

  /** The last word of a loop that cannot go on, at the last time that was sound; what does not work any more is left undone. */
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
    for (const reply of this.#replies.values()) reply(refused("the daemon is ending"));
    this.#replies.clear();
  }
}

function refused(message: string): OperatorOutcome {
  return unanswered("daemon_stopped", message, "ask again when it runs");
}

function unanswered(code: Reason, message: string, hint: string): OperatorOutcome {
  return { ok: false, error: { code, message, hint, retryAfterMs: null } };
}

/** The member that is a number which JavaScript cannot hold; `null` = there is none. */
function inexactIn(report: Report): string | null {
  for (const name in report) {
    const value: unknown = report[name as keyof Report];
    if (typeof value === "number" && !Number.isSafeInteger(value)) return name;
  }
  return null;
}

/** The session that an input, report or command is about; `null` = none, or all. */
function sessionOf(about: Input | Report | Command): SessionHandle | null {
  if (about.type === "Engine") return sessionOf(about.report);
  return "session" in about ? about.session : null;
}

function stackOf(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}
