import type { Input } from "#core/contract";
import { step } from "#core/step";
import { restore, snapshot } from "#core/view/snapshot";
import { Life, type Told } from "./life.ts";
import type { Scene } from "./scenes.ts";

export interface Explored {
  readonly states: number;
  readonly transitions: number;
  /** All reachable states were explored. */
  readonly closed: boolean;
  readonly violation: Violation | null;
}

export interface Violation {
  readonly scene: string;
  readonly broken: readonly string[];
  /** The shortest sequence of moves from the start to the violation. */
  readonly lines: readonly string[];
}

/** For one of so many states, a copy restored from a snapshot gets the same input. Both outputs must be equal (I9). */
const TWIN_EVERY = 97;

/**
 * Explores breadth first from the scene's start, at most `statesMax` different states. Stops at the first broken law.
 */
export function explore(scene: Scene, statesMax: number): Explored {
  const begun = begin(scene);
  const lines: string[] = [""];
  const parents: number[] = [-1];
  const lives: (Life | null)[] = [begun];
  const known = new Set<number>([begun.key]);
  const way = (state: number, last: string): readonly string[] => {
    const back = [last];
    for (let at = state; at > 0; at = parents[at] ?? 0) back.push(lines[at] ?? "");
    return [...scene.start, ...back.reverse()];
  };
  let transitions = 0;
  const result = (state: number, violation: Violation | null): Explored => ({
    states: lives.length,
    transitions,
    closed: state === lives.length,
    violation,
  });
  if (begun.judge.broken.length > 0) return result(0, { scene: scene.name, broken: begun.judge.broken, lines: scene.start });
  for (let state = 0; state < lives.length; state++) {
    const life = lives[state];
    if (life === null || life === undefined) continue;
    lives[state] = null;
    if (state % TWIN_EVERY === 0 && !twins(life)) {
      return result(state, { scene: scene.name, broken: ["I9: a snapshot goes on differently"], lines: way(state, "tick") });
    }
    for (const line of new Set(scene.moves.flatMap((family) => family(life)))) {
      const next = life.fork();
      next.move(line);
      transitions += 1;
      if (next.judge.broken.length > 0)
        return result(state, { scene: scene.name, broken: next.judge.broken, lines: way(state, line) });
      const { key } = next;
      if (known.has(key)) continue;
      known.add(key);
      lines.push(line);
      parents.push(state);
      lives.push(next);
      if (lives.length >= statesMax) return result(state, null);
    }
  }
  return result(lives.length, null);
}

/** Plays the lines again and returns everything that they cause. */
export function retell(scene: Scene, lines: readonly string[]): readonly Told[] {
  const told: Told[] = [];
  const life = Life.begin(scene.role, scene.preset, told);
  for (const line of lines) life.move(line);
  return told;
}

function begin(scene: Scene): Life {
  const life = Life.begin(scene.role, scene.preset);
  for (const line of scene.start) life.move(line);
  return life;
}

const TICK: Input = { type: "Tick" };

function twins(life: Life): boolean {
  const one = restore(snapshot(life.world), life.world.domains);
  const { world } = life.fork();
  const later = Math.max(life.now, world.wakeAt ?? life.now);
  const same = JSON.stringify(step(one, TICK, later)) === JSON.stringify(step(world, TICK, later));
  return same && JSON.stringify(snapshot(one)) === JSON.stringify(snapshot(world));
}
