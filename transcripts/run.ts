import type { Effect } from "#core/contract";
import { step } from "#core/step";
import { createCore, type World } from "#core/world";
import type { EventType } from "#kernel/contract/event";
import { lineOf } from "./print.ts";
import { freshMemory, inputOf, type Memory } from "./scene.ts";

/** Most inputs that one `until` may cause. */
const INPUTS_MAX = 5_000;
/** Interval of the engine's statistics. */
const MEASURED_EVERY_MS = 100;

interface Played {
  /** The transcript with its outputs regenerated. */
  readonly text: string;
  /** Types of all events, in order. */
  readonly events: readonly EventType[];
  /** The event types of the `expect` lines, in order. */
  readonly expected: readonly string[];
}

/**
 * Plays a transcript. Lines that start with `#` are kept, and `> ms verb args` are inputs. All other lines are output
 * and are regenerated. `> ms until` lets time pass: each requested wake of the core becomes a Tick. `> ms until 1
 * loss=0.3` does the same with traffic on path 1, measured every 100 ms.
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
        ? pass(world, Number(time), args, memory)
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

interface Passed {
  readonly at: number;
  readonly effect: Effect;
}

function pass(world: World, until: number, traffic: readonly string[], memory: Memory): readonly Passed[] {
  const effects: Passed[] = [];
  let measuredAt = world.now;
  for (let inputs = 0; ; inputs++) {
    if (inputs >= INPUTS_MAX) throw new Error(`${INPUTS_MAX} inputs before ${until}: the core wakes itself endlessly`);
    const wakeAt = Math.max(world.wakeAt ?? Number.POSITIVE_INFINITY, world.now);
    const measureAt = traffic.length === 0 ? Number.POSITIVE_INFINITY : measuredAt + MEASURED_EVERY_MS;
    const at = Math.min(wakeAt, measureAt);
    if (at > until) return effects;
    const input = at === measureAt ? inputOf("stats", traffic, memory) : inputOf("tick", [], memory);
    if (at === measureAt) measuredAt = at;
    for (const effect of step(world, input, at)) effects.push({ at, effect });
  }
}

function note(effect: Effect, events: EventType[], memory: Memory): void {
  if (effect.type === "Event") events.push(effect.event.type);
  if (effect.type === "Engine" && effect.command.type === "Dial") memory.dial = effect.command.dial;
}
