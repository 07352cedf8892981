import { closeSync, constants, existsSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Undo } from "#daemon/system/change";
import { readOwnFile } from "#daemon/system/trust";

/** More changes than a configuration can need (256 routes, rules, sysctls per interface). */
const ENTRIES_MAX = 4_096;

/**
 * The undo of each change, on disk *before* the change is made. However the process ends, the next start finds it.
 *
 *     note(undo of a, b) ── a, b made ── … ── a, b undone ── strike(a, b)
 *            │ fsync                                             │ file replaced, removed when empty
 */
export class UndoJournal {
  readonly #file: string;
  #entries: readonly Undo[];

  /** Throws if other users could have written the file. */
  constructor(stateDir: string) {
    this.#file = fileIn(stateDir);
    this.#entries = readEntries(this.#file);
  }

  /** Changes that must be undone, oldest first. */
  get entries(): readonly Undo[] {
    return this.#entries;
  }

  /**
   * Returns when the entries are on disk. Throws if they cannot be written; the change must then not be made.
   */
  note(undos: readonly Undo[]): void {
    if (undos.length === 0) return;
    if (this.#entries.length + undos.length > ENTRIES_MAX) throw new Error(`the undo journal already has ${ENTRIES_MAX} entries`);
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

const fileIn = (stateDir: string): string => join(stateDir, "undo.jsonl");

/** False if there is none, or if this user may not know. */
export function hasJournal(stateDir: string): boolean {
  return existsSync(fileIn(stateDir));
}

/** Does not follow a link, which another user may have created. */
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

/** An incomplete last line belongs to a change that was never made. A line of any other format is not executed. */
function readEntries(file: string): Undo[] {
  return (readOwnFile(file) ?? "").split("\n").flatMap((line) => parseEntry(line) ?? []);
}

/** An undo runs as root, so it may do only this. */
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
  const { kind, family, args, lasts, key, value: before, script } = value as Readonly<Record<string, unknown>>;
  switch (kind) {
    case "ip":
      return (family === 4 || family === 6) && (lasts === undefined || lasts === true) && Array.isArray(args) && isIpUndo(args);
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
