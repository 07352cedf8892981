import { closeSync, constants, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Undo } from "#daemon/system/change";
import { readOwnFile } from "#daemon/system/trust";

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

  /** Throws where the file could have been written by others. */
  constructor(stateDir: string) {
    this.#file = join(stateDir, "undo.jsonl");
    this.#entries = readEntries(this.#file);
  }

  /** What is to be undone, oldest first. */
  get entries(): readonly Undo[] {
    return this.#entries;
  }

  /**
   * Returns only when the entries are on disk. Throws where they cannot be written: then the change must not be made.
   */
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

/** Never through a link that somebody laid there. */
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;

function append(file: string, undos: readonly Undo[]): void {
  const descriptor = openSync(file, APPEND, 0o600);
  try {
    writeSync(descriptor, undos.map((undo) => `${JSON.stringify(undo)}\n`).join(""));
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** A torn last line is a change that was never made; a line of another shape than ours is not executed. */
function readEntries(file: string): Undo[] {
  return (readOwnFile(file) ?? "").split("\n").flatMap((line) => parseEntry(line) ?? []);
}

/** What an undo may do, and nothing else: it runs as root. */
const IP_OBJECTS = ["address", "route", "rule"];
const SYSCTL_KEY = /^net\.ipv[46]\.[\w@:-]+(?:\.[\w@:-]+)*$/;
const SYSCTL_VALUE = /^-?\d{1,10}$/;
const NFT_SCRIPT = /^delete table ip6? jvpn_\w+\n?$/;

function parseEntry(line: string): Undo | undefined {
  try {
    const value = JSON.parse(line) as unknown;
    return isUndo(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isUndo(value: unknown): value is Undo {
  const { kind, family, args, key, value: before, script } = value as Readonly<Record<string, unknown>>;
  switch (kind) {
    case "ip":
      return (family === 4 || family === 6) && Array.isArray(args) && isIpUndo(args);
    case "sysctl":
      return typeof key === "string" && SYSCTL_KEY.test(key) && typeof before === "string" && SYSCTL_VALUE.test(before);
    case "nft":
      return typeof script === "string" && NFT_SCRIPT.test(script);
    default:
      return false;
  }
}

function isIpUndo(args: readonly unknown[]): boolean {
  return args.every((arg) => typeof arg === "string") && IP_OBJECTS.includes(args[0] ?? "") && args[1] === "del";
}
