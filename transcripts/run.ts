import type { Effect } from "#core/contract";
import { step } from "#core/step";
import { createCore, type World } from "#core/world";
import type { EventType } from "#kernel/contract/event";
import { lineOf } from "./print.ts";
import { freshMemory, inputOf, type Memory } from "./scene.ts";

/** Ticks that one `until` may cause; more means that the core wakes itself in a circle. */
const TICKS_MAX = 5_000;

export interface Played {
  /** The transcript with its outputs regenerated. */
  readonly text: string;
  /** Types of all events, in order. */
  readonly events: readonly EventType[];
  /** What the `expect` lines demand, in order. */
  readonly expected: readonly string[];
}

/**
 * Plays a transcript. Lines that start with `#` are kept, `> ms verb args` are inputs, everything else is output and regenerated.
 * `> ms until` lets the time pass: every wake that the core asked for becomes a Tick.
 */
export function play(source: string): Played {
  const lines: string[] = [];
  const events: EventType[] = [];
  const expected: string[] = [];
  const memory = freshMemory();
  let world: World | null = null;
  for (const line of source.split("\n")) {
    if (line.startsWith("# expect:"))
      expected.push(
        ...line
          .slice(9)
          .split(",")
          .map((word) => word.trim()),
      );
    if (line.startsWith("#") || (line === "" && lines.at(-1) !== "")) lines.push(line);
    if (!line.startsWith("> ")) continue;
    const [time = "", verb = "", ...args] = line.slice(2).split(/\s+/);
    if (lines.at(-1) !== "") lines.push("");
    lines.push(line);
    world ??= createCore(verb === "gateway" ? "gateway" : "client");
    const effects =
      verb === "until"
        ? pass(world, Number(time))
        : [...step(world, inputOf(verb, args, memory), Number(time))].map((effect) => ({ at: null, effect }));
    for (const { at, effect } of effects) {
      note(effect, events, memory);
      const text = lineOf(effect);
      if (text !== null) lines.push(`    ${at === null ? "" : `@${at} `}${text}`);
    }
  }
  while (lines.at(-1) === "") lines.pop();
  return { text: `${lines.join("\n")}\n`, events, expected };
}

function pass(world: World, until: number): { readonly at: number; readonly effect: Effect }[] {
  const effects: { at: number; effect: Effect }[] = [];
  for (let ticks = 0; world.wakeAt !== null && world.wakeAt <= until; ticks++) {
    if (ticks >= TICKS_MAX) throw new Error(`the core woke itself ${TICKS_MAX} times before ${until}`);
    const at = Math.max(world.wakeAt, world.now);
    for (const effect of step(world, { type: "Tick" }, at)) effects.push({ at, effect });
  }
  return effects;
}

function note(effect: Effect, events: EventType[], memory: Memory): void {
  if (effect.type === "Event") events.push(effect.event.type);
  if (effect.type === "Engine" && effect.command.type === "Dial") memory.dial = effect.command.dial;
}
