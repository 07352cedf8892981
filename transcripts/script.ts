import type { Effect, Input } from "#core/contract";
import { step } from "#core/step";
import type { World } from "#core/world";
import { freshMemory, inputOf } from "./scene.ts";

export type Timed = readonly [at: number, input: Input];

/** Converts transcript lines (`ms verb args`) to inputs, for tests with their own lines. */
export function script(text: string): readonly Timed[] {
  const memory = { ...freshMemory(), dial: 1 };
  return text
    .trim()
    .split("\n")
    .map((line) => {
      const [time = "", verb = "", ...args] = line.trim().split(/\s+/);
      return [Number(time), inputOf(verb, args, memory)] as const;
    });
}

export function feed(world: World, inputs: readonly Timed[]): readonly Effect[] {
  return inputs.flatMap(([at, input]) => step(world, input, at));
}

/** A client with two paths. It is attached on the first; the second is a warm candidate. */
export const ATTACHED_CLIENT = script(`
  0 policy standard
  0 client
  10 links eth0 wlan0
  11 opened 1
  11 opened 2
  40 handshake 1
  60 attached 1 1
  61 assigned 10.80.0.14
  80 validated 2 30
`);
