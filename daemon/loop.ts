import type { Effect, Input, OperatorRequest } from "#core/contract";
import { explainSession } from "#core/explain";
import { step } from "#core/step";
import { view } from "#core/view";
import { createCore, type World } from "#core/world";
import type { OperatorOutcome } from "#daemon/control/routes";
import type { EnginePort } from "#daemon/ports/engine";
import type { Assignment, Command, Report } from "#kernel/contract/engine.generated";
import type { CoreEvent } from "#kernel/contract/event";
import type { SessionReasonView } from "#kernel/contract/policy";
import type { Role, SessionHandle } from "#kernel/contract/state";
import type { NodeView } from "#kernel/contract/view";

/** Reports worked off before timers and operators get their turn. */
const BATCH = 256;
/** Operators' requests that wait for the core; an answer that does not come in time is told as such. */
const REQUESTS_MAX = 1_024;
const REPLY_MS_MAX = 10_000;
/** `setTimeout` cannot wait longer. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** The world around the loop. None of these may call back into it. */
export interface Surroundings {
  /** Milliseconds of the boot-time clock. */
  readonly bootMs: () => number;
  readonly event: (event: CoreEvent) => void;
  readonly tunnel: (assignment: Assignment | null) => void;
  /** A report, before the core gets it; what it returns goes with it. */
  readonly before: (report: Report) => Extract<Input, { type: "Engine" }>;
  /** Every input with its effects, for a person who looks for a fault; `null` = nobody looks. */
  readonly trace: ((input: Input, effects: readonly Effect[]) => void) | null;
  /** The loop cannot go on. */
  readonly fatal: (what: string) => void;
}

/**
 * The law of the loop: one input → `step` → all its effects → the next input. Nothing awaits in between. The clock is read here and
 * nowhere else; a clock that goes back is a fault of ours: the core ends every session, and then the daemon ends.
 */
export class Loop {
  readonly #world: World;
  readonly #around: Surroundings;
  #engine: EnginePort | null = null;
  #lastNow = 0;
  #timer: NodeJS.Timeout | null = null;
  #ended = false;
  #draining = false;
  #nextRequest = 1;
  readonly #replies = new Map<number, (outcome: OperatorOutcome) => void>();

  constructor(role: Role, around: Surroundings) {
    this.#world = createCore(role);
    this.#around = around;
  }

  /** From here on the core's commands have somebody to obey them. */
  attach(engine: EnginePort): void {
    this.#engine = engine;
  }

  feed(input: Input): void {
    if (this.#ended) return;
    const now = Math.floor(this.#around.bootMs());
    const fellMs = this.#lastNow - now;
    this.#lastNow = Math.max(now, this.#lastNow);
    try {
      const effects = step(this.#world, input, now);
      this.#around.trace?.(input, effects);
      this.#obey(effects);
      if (fellMs > 0) this.#fail(`the clock went back by ${fellMs} ms`);
    } catch (cause) {
      this.#fail(`the core failed on ${input.type}: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}`);
    }
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

  view(): NodeView {
    return view(this.#world, this.#now());
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
    const batch = engine.drain(BATCH);
    for (const { report } of batch.reports) {
      this.feed(this.#around.before(report));
      if (report.type === "Fatal") this.#fail(`the engine stopped: ${report.what}`);
    }
    if (batch.more) setImmediate(() => this.#drain(engine));
    else this.#draining = false;
  }

  #obey(effects: readonly Effect[]): void {
    const commands: Command[] = [];
    for (const effect of effects) {
      switch (effect.type) {
        case "Engine":
          commands.push(effect.command);
          break;
        case "Event":
          this.#around.event(effect.event);
          break;
        case "Tunnel":
          this.#around.tunnel(effect.assignment);
          break;
        case "Reply":
          this.#replies.get(effect.id)?.(effect.outcome);
          this.#replies.delete(effect.id);
          break;
        case "Wake":
          this.#wakeAt(effect.at);
          break;
      }
    }
    if (commands.length > 0) this.#engine?.apply(commands);
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
      this.#obey(step(this.#world, { type: "Stop" }, this.#lastNow));
    } catch {
      // the engine drops all keys when it stops
    }
  }

  #end(): void {
    this.#ended = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const reply of this.#replies.values()) reply(refused("the daemon is ending"));
    this.#replies.clear();
  }
}

function refused(message: string): OperatorOutcome {
  return { ok: false, error: { code: "daemon_stopped", message, hint: "ask again when it runs", retryAfterMs: null } };
}
