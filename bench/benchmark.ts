import type { Provenance } from "#lab/machine";
import { type Scope, withScope } from "#lab/scope";
import type { Words } from "./options.ts";

/** What every result has beside its own figures. `raw` goes to the file of raw data only. */
export interface Result {
  readonly schema: "jumping-vpn/bench/v1";
  readonly name: string;
  readonly machine: Provenance;
  readonly raw: readonly unknown[];
}

export type Progress = (line: string) => void;

export interface Outcome {
  readonly result: Result;
  /** The result as a few lines for a person. */
  readonly summary: string;
  /** What could not be undone, in words. */
  readonly leftovers: readonly string[];
  /** A figure is worse than it may be. */
  readonly failed?: boolean;
}

/** One verb of `npm run bench`. */
export interface Benchmark {
  /** The options it knows, as a person writes them. */
  readonly usage: string;
  readonly options: readonly string[];
  /** Refuses wrong options with a `UsageError` before anything is started. */
  readonly plan: (words: Words) => Planned;
}

interface Planned {
  /** Name of the file of raw data, without its ending: one per setting that is compared with others. */
  readonly file: string;
  readonly run: (progress: Progress) => Promise<Outcome>;
}

/** Runs a benchmark in a scope of its own. */
export async function inScope<T extends Result>(
  body: (scope: Scope) => Promise<T>,
  summarize: (result: T) => string,
): Promise<Outcome> {
  const { value: result, leftovers } = await withScope(body);
  return { result, summary: summarize(result), leftovers };
}
