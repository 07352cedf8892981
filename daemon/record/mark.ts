import type { Store } from "#daemon/store/database";
import type { ChainEnd } from "./chain.ts";

/** Number and hash of the newest record that went to the sinks. They are stored apart from the record file. */
type Mark = Pick<ChainEnd, "seq" | "hash">;

/** Keeps the mark in the store, so that a file with a missing end is noticed. */
export class RecordMark {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** `null` if no mark was written yet. */
  read(): Mark | null {
    const row = this.#store.prepare("SELECT seq, hash FROM record_end WHERE id = 1").get();
    return (row as Mark | undefined) ?? null;
  }

  /** Throws if the store fails. */
  write({ seq, hash }: Mark): void {
    this.#store.prepare("INSERT OR REPLACE INTO record_end (id, seq, hash) VALUES (1, ?, ?)").run(seq, hash);
  }
}

/** The records up to the mark that are missing at the end of the file; `null` = none. */
export function missingEnd(end: ChainEnd, mark: Mark | null): { readonly first: number; readonly last: number } | null {
  if (mark === null || mark.seq < end.seq) return null;
  if (mark.seq > end.seq) return { first: end.seq + 1, last: mark.seq };
  return end.torn || mark.hash === end.hash ? null : { first: mark.seq, last: mark.seq };
}
