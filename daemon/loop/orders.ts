import { causeText } from "#daemon/fault";
import { EngineBusy, type EnginePort } from "#daemon/ports/engine";
import type { Command } from "#kernel/contract/engine.generated";

/** Most commands in one call. The engine accepts all commands of a call or none. */
const CHUNK = 4_096;
/** Most commands that wait for a busy engine: eight for each of the 131,072 sessions of a full gateway. */
const WAITING_MAX = 1_048_576;
const BUSY_MS = 10;
/** An engine that accepts nothing for ten seconds is stuck. */
const BUSY_TRIES_MAX = 1_000;

interface OrdersNews {
  /** The engine can never accept this command. The commands before and after it are not affected. */
  refused(command: Command, why: string): void;
  /** The engine accepts no more commands. */
  stuck(why: string): void;
}

/**
 * The queue of the core's commands to the engine, in order. A refused call is split into halves that are tried again,
 * so that one bad command affects no other. Commands that a busy engine does not accept wait.
 */
export class Orders {
  readonly #engine: EnginePort;
  readonly #news: OrdersNews;
  #waiting: (readonly Command[])[] = [];
  #count = 0;
  /** Commands of inputs that are processed together; `null` = the commands of each input are sent at once. */
  #gathered: Command[] | null = null;
  #tries = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(engine: EnginePort, news: OrdersNews) {
    this.#engine = engine;
    this.#news = news;
  }

  /** From now on, commands wait for `release`, because a call costs more than a command. */
  gather(): void {
    this.#gathered ??= [];
  }

  release(): void {
    const gathered = this.#gathered;
    this.#gathered = null;
    if (gathered !== null && gathered.length > 0) this.give(gathered);
  }

  /** Sends the commands to the engine now, or as soon as it is no longer busy. */
  give(commands: readonly Command[]): void {
    if (this.#gathered !== null) {
      for (const command of commands) this.#gathered.push(command);
      return;
    }
    if (this.#count + commands.length > WAITING_MAX) {
      this.#news.stuck(`${this.#count} commands already wait for the engine`);
      return;
    }
    this.#count += commands.length;
    for (let from = 0; from < commands.length; from += CHUNK) this.#waiting.push(commands.slice(from, from + CHUNK));
    if (this.#timer === null) this.#send();
  }

  /** Drops the commands that still wait. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#waiting = [];
    this.#count = 0;
  }

  #send(): void {
    for (let chunk = this.#waiting.shift(); chunk !== undefined; chunk = this.#waiting.shift()) {
      if (!this.#take(chunk)) return;
    }
  }

  /** False if the engine is busy; the chunk is then the first in the queue again. */
  #take(chunk: readonly Command[]): boolean {
    try {
      this.#engine.apply(chunk);
      this.#count -= chunk.length;
      this.#tries = 0;
      return true;
    } catch (cause) {
      if (cause instanceof EngineBusy) {
        this.#wait(chunk, cause);
        return false;
      }
      const [first] = chunk;
      if (first !== undefined && chunk.length === 1) {
        this.#count--;
        this.#news.refused(first, causeText(cause));
        return true;
      }
      const middle = Math.ceil(chunk.length / 2);
      this.#waiting.unshift(chunk.slice(0, middle), chunk.slice(middle));
      return true;
    }
  }

  #wait(chunk: readonly Command[], cause: EngineBusy): void {
    this.#waiting.unshift(chunk);
    this.#tries++;
    if (this.#tries > BUSY_TRIES_MAX) {
      this.stop();
      this.#news.stuck(`the engine accepts no commands: ${cause.message}`);
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#send();
    }, BUSY_MS);
  }
}
