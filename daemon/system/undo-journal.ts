import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Undo } from "#daemon/system/change";

/** More changes than a configuration can ask for (256 routes, rules, sysctls per interface). */
const ENTRIES_MAX = 4_096;

/**
 * What must be taken back, on disk *before* the change is made. Whatever ends the process, the next start finds it.
 *
 *     note(undo of a, b) ── a, b made ── … ── a, b undone ── strike(a, b)
 *            │ fsync                                             │ file replaced, removed when empty
 */
export class UndoJournal {
  readonly #file: string;
  #entries: readonly Undo[];

  constructor(stateDir: string) {
    this.#file = join(stateDir, "undo.jsonl");
    this.#entries = readEntries(this.#file);
  }

  /** What is to be undone, oldest first. */
  get entries(): readonly Undo[] {
    return this.#entries;
  }

  /** Returns only when the entries are on disk. Throws where they cannot be written: then the change must not be made. */
  note(undos: readonly Undo[]): void {
    if (undos.length === 0) return;
    if (this.#entries.length + undos.length > ENTRIES_MAX) throw new Error(`the undo journal has its ${ENTRIES_MAX} entries`);
    append(this.#file, undos);
    this.#entries = [...this.#entries, ...undos];
  }

  strike(undos: readonly Undo[]): void {
    const gone = new Set(undos);
    this.#entries = this.#entries.filter((entry) => !gone.has(entry));
    if (this.#entries.length === 0) {
      rmSync(this.#file, { force: true });
      return;
    }
    const fresh = `${this.#file}.new`;
    rmSync(fresh, { force: true });
    append(fresh, this.#entries);
    renameSync(fresh, this.#file);
  }
}

function append(file: string, undos: readonly Undo[]): void {
  const descriptor = openSync(file, "a", 0o600);
  try {
    writeSync(descriptor, undos.map((undo) => `${JSON.stringify(undo)}\n`).join(""));
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** A torn last line is a change that was never made. */
function readEntries(file: string): Undo[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return []; // nothing to undo
  }
  return text.split("\n").flatMap((line) => parseEntry(line) ?? []);
}

function parseEntry(line: string): Undo | undefined {
  try {
    const value = JSON.parse(line) as Partial<Record<"kind" | "args" | "key" | "script", unknown>>;
    const known =
      (value.kind === "ip" && Array.isArray(value.args)) ||
      (value.kind === "sysctl" && typeof value.key === "string") ||
      (value.kind === "nft" && typeof value.script === "string");
    return known ? (value as unknown as Undo) : undefined;
  } catch {
    return undefined;
  }
}
