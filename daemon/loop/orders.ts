import { causeText } from "#daemon/fault";
import { EngineBusy, type EnginePort } from "#daemon/ports/engine";
import type { Command } from "#kernel/contract/engine.generated";

/** Commands of one call; the engine takes a call whole or not at all. */
const CHUNK = 4_096;
/** Commands that may wait for a busy engine: several for each of the 131,072 sessions of a full gateway. */
const WAITING_MAX = 1_048_576;
const BUSY_MS = 10;
/** An engine that takes nothing for ten seconds is not busy but stuck. */
const BUSY_TRIES_MAX = 1_000;

interface OrdersNews {
  /** The engine cannot take this command at all; those before and behind it were taken. */
  refused(command: Command, why: string): void;
  /** Nothing more can be ordered. */
  stuck(why: string): void;
}

/**
 * The core's commands on their way to the engine, in order. Of a call that is refused the halves are tried, so that one bad
 * command costs itself and no other; what a busy engine does not take waits.
 */
export class Orders {
  readonly #engine: EnginePort;
  readonly #news: OrdersNews;
  #waiting: (readonly Command[])[] = [];
  #count = 0;
  /** Commands of inputs that are worked off together; `null` = each input's go at once. */
  #gathered: Command[] | null = null;
  #tries = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(engine: EnginePort, news: OrdersNews) {
    this.#engine = engine;
    this.#news = news;
  }

  /** From here on commands wait for `release`: a call costs more than a command does. */
  gather(): void {
    this.#gathered ??= [];
  }

  release(): void {
    const gathered = this.#gathered;
    this.#gathered = null;
    if (gathered !== null && gathered.length > 0) this.give(gathered);
  }

  /** Takes the commands to the engine now, or as soon as it is not busy any more. */
  give(commands: readonly Command[]): void {
    if (this.#gathered !== null) {
      for (const command of commands) this.#gathered.push(command);
      return;
    }
    if (this.#count + commands.length > WAITING_MAX) {
      this.#news.stuck(`${this.#count} commands wait for the engine already`);
      return;
    }
    this.#count += commands.length;
    for (let from = 0; from < commands.length; from += CHUNK) this.#waiting.push(commands.slice(from, from + CHUNK));
    if (this.#timer === null) this.#send();
  }

  /** What still waits is not sent any more. */
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

  /** False where the engine is busy: then the chunk is first in the queue again. */
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
      this.#news.stuck(`the engine takes no commands: ${cause.message}`);
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#send();
    }, BUSY_MS);
  }
}
