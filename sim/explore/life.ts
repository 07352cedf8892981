import type { Effect, Input } from "#core/contract";
import { step } from "#core/step";
import { createCore, type World } from "#core/world";
import { presetPolicy } from "#transcripts/presets";
import { freshMemory, inputOf } from "#transcripts/scene";
import { fork } from "./fork.ts";
import { Judge } from "./judge.ts";
import { keyOf } from "./key.ts";

/** Time passes in steps of this length. A Tick that is due within a step comes at its end, as on a busy machine. */
const GRID_MS = 500;
const MEASURED_EVERY_MS = 100;
/** Most Ticks at one instant. With more, the core wakes itself endlessly. */
const TICKS_MAX = 8;

export interface Told {
  readonly at: number;
  readonly line: string;
  readonly effects: readonly Effect[];
}

/** One world and its judge. A move is a line of a transcript, `+ms`, or `+ms 1 loss=0.3` (with traffic on path 1). */
export class Life {
  readonly world: World;
  readonly judge: Judge;
  now: number;
  /** Everything that happens, for printing; `null` = not kept. */
  readonly told: Told[] | null;

  constructor(world: World, judge: Judge, now: number, told: Told[] | null = null) {
    this.world = world;
    this.judge = judge;
    this.now = now;
    this.told = told;
  }

  static begin(role: "client" | "gateway", preset: string, told: Told[] | null = null): Life {
    return new Life(createCore(role), new Judge(role === "client", presetPolicy(preset).policy.base), 0, told);
  }

  fork(): Life {
    return new Life(fork(this.world), this.judge.fork(), this.now);
  }

  get key(): number {
    return keyOf(this.world, this.judge, this.now);
  }

  move(line: string): void {
    if (line.startsWith("+")) this.#pass(line);
    else this.#input(line, this.#inputOf(line));
  }

  #inputOf(line: string): Input {
    const known = inputs.get(line);
    if (known !== undefined) return known;
    const [verb = "", ...args] = line.split(" ");
    const input = inputOf(verb, args, { ...freshMemory(), dial: this.world.client.dial.id, request: this.judge.requests });
    if (!NUMBERED.includes(verb) && inputs.size < INPUTS_MAX) inputs.set(line, input);
    return input;
  }

  #input(line: string, input: Input): void {
    const { world, judge, now } = this;
    const before = judge.before(world, input);
    const living = judge.living();
    judge.hear(input, now);
    const effects = step(world, input, now);
    judge.watch(world, before, living, input, effects, now);
    this.told?.push({ at: now, line, effects });
  }

  #pass(line: string): void {
    const [length = "", path = "", ...how] = line.slice(1).split(" ");
    const until = this.now + Number(length);
    const everyMs = path === "" ? GRID_MS : MEASURED_EVERY_MS;
    while (this.now < until) {
      this.now = Math.min(until, this.now + everyMs);
      this.#ticks();
      if (path !== "") this.#measure(Number(path), how);
      if (this.now % GRID_MS === 0) this.judge.pass(this.now);
    }
  }

  #ticks(): void {
    for (let ticks = 0; this.world.wakeAt !== null && this.world.wakeAt <= this.now; ticks++) {
      if (ticks === TICKS_MAX) {
        this.judge.complain("I16: the core wakes itself in a circle");
        return;
      }
      this.#input("tick", TICK);
    }
  }

  /** Counters continue from the path's newest sample. */
  #measure(path: number, how: readonly string[]): void {
    const { world } = this;
    const [handle] = [...world.sessions.keys()].slice(-1);
    const known = world.sessions.get(handle ?? 0)?.transport.paths.find(({ id }) => id === path);
    const memory = freshMemory();
    const last = known?.samples.at(-1);
    const { answered, lost } = known?.probes ?? { answered: 0, lost: 0 };
    const verb = `stats@${handle ?? 1}`;
    const zero = inputOf(verb, [String(path)], memory);
    const blank = zero.type === "Engine" && zero.report.type === "Stats" ? zero.report.paths[0] : undefined;
    if (blank === undefined) return;
    const { upSent, upReceived, downSent, downReceived } = last ?? { upSent: 0, upReceived: 0, downSent: 0, downReceived: 0 };
    const counters = { upSent, upReceived, downSent, downReceived, probesAnswered: answered ?? 0, probesLost: lost ?? 0 };
    memory.stats.set(path, { ...blank, ...counters });
    this.judge.measured(path, this.now);
    this.#input(`${verb} ${path} ${how.join(" ")}`, inputOf(verb, [String(path), ...how], memory));
  }
}

/** Inputs with a number that is another each time. */
const NUMBERED: readonly string[] = ["handshake", "handshake-unanswered", "switch", "terminate"];
const TICK: Input = { type: "Tick" };
/** Most cached inputs. A run has few different lines, so that most inputs are created once. */
const INPUTS_MAX = 10_000;
const inputs = new Map<string, Input>();
