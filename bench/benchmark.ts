import type { Provenance } from "#lab/machine";
import { type Scope, withScope } from "#lab/scope";
import type { Words } from "./options.ts";

/** Fields that every result has. `raw` is only written to the file of raw data. */
export interface Result {
  readonly schema: "jumping-vpn/bench/v1";
  readonly name: string;
  readonly machine: Provenance;
  readonly raw: readonly unknown[];
}

export type Progress = (line: string) => void;

export interface Outcome {
  readonly result: Result;
  /** The result in a few readable lines. */
  readonly summary: string;
  /** One line for each thing that could not be removed. */
  readonly leftovers: readonly string[];
  /** A figure is worse than the benchmark permits. */
  readonly failed?: boolean;
}

/** One verb of `npm run bench`. */
export interface Benchmark {
  /** Its options, as shown in the help text. */
  readonly usage: string;
  readonly options: readonly string[];
  /** Throws a `UsageError` for wrong options, before anything is started. */
  readonly plan: (words: Words) => Planned;
}

interface Planned {
  /** Name of the file of raw data, without its extension. Each setting that is compared has its own file. */
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
