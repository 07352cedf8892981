/** The command line of the benchmarks. An error is reported in three lines, with exit code 2. */
import { parseArgs } from "node:util";

/** An error in the command line. */
export class UsageError extends Error {}

/** Values of the options, by name. */
export type Words = Readonly<Record<string, string | boolean | undefined>>;

/**
 * Parses options `--name value` and the switches `json` and `record`. Throws a `UsageError` for a name not in `names`.
 */
export function parseWords(args: readonly string[], names: readonly string[]): Words {
  const options = Object.fromEntries([
    ...["json", "record"].map((name) => [name, { type: "boolean" as const }]),
    ...[...names, "out"].map((name) => [name, { type: "string" as const }]),
  ]);
  try {
    return parseArgs({ args: [...args], options }).values as Words;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** A number within `min…max`; `fallback` if the option is absent. */
export function numberOf(words: Words, name: string, fallback: number, min: number, max: number): number {
  const text = words[name];
  const value = text === undefined ? fallback : Number(text);
  if (!(value >= min && value <= max)) throw new UsageError(`--${name} must be ${min}…${max}, not ${text}`);
  return value;
}

export function wholeNumberOf(words: Words, name: string, fallback: number, min: number, max: number): number {
  const value = numberOf(words, name, fallback, min, max);
  if (!Number.isInteger(value)) throw new UsageError(`--${name} must be a whole number, not ${value}`);
  return value;
}

/** One of `known`; `fallback` if the option is absent. */
export function oneOf<T extends string>(words: Words, name: string, fallback: T, known: readonly T[]): T {
  const value = words[name] ?? fallback;
  const found = known.find((one) => one === value);
  if (found === undefined) throw new UsageError(`--${name} must be one of ${known.join(", ")}, not ${value}`);
  return found;
}

/** Some of `known`, separated by commas; all of them if the option is absent. */
export function someOf<T extends string>(words: Words, name: string, known: readonly T[]): readonly T[] {
  const text = words[name];
  if (typeof text !== "string") return known;
  return text.split(",").map((word) => oneOf({ [name]: word }, name, word as T, known));
}
