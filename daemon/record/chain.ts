import { hash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { canonical } from "#domains/observability/canonical";
import type { EventRecord } from "#kernel/contract/control";

/** `prev` of the first record of a node. */
const GENESIS = "0".repeat(64);

/** The end of a chain of records. */
export interface ChainEnd {
  readonly seq: number;
  readonly hash: string;
  /** The file does not end with a newline: its last line was cut off. */
  readonly torn: boolean;
}

/** Chains records: `hash = BLAKE2s(prev ‖ canonical record)`, where the record is without `prev` and `hash`. */
export class Chain {
  #hash: string;
  #memory = Buffer.allocUnsafeSlow(FIRST_BYTES);

  /** `hash` = the hash of the record before the first one. */
  constructor(hash: string) {
    this.#hash = hash;
  }

  /** The hash of the newest record. */
  get hash(): string {
    return this.#hash;
  }

  /** The line of the record with this canonical text, with its newline. The next call overwrites its memory. */
  append(text: string): Buffer {
    const prev = this.#hash;
    const memory = this.#memoryFor(3 * text.length + 2 * prev.length + LINKS_BYTES);
    memory.write(prev, 0, "latin1");
    const end = prev.length + memory.write(text, prev.length);
    this.#hash = hash("blake2s256", memory.subarray(0, end), "hex");
    const links = memory.write(`,"prev":"${prev}","hash":"${this.#hash}"}\n`, end - CLOSING_BRACE.length, "latin1");
    return memory.subarray(prev.length, end - CLOSING_BRACE.length + links);
  }

  #memoryFor(bytes: number): Buffer {
    if (bytes > this.#memory.length) this.#memory = Buffer.allocUnsafeSlow(2 * bytes);
    return this.#memory;
  }
}

/** Enough for nearly every record: a text in it has at most 256 characters, and few texts are that long. */
const FIRST_BYTES = 4_096;
/** More than the hash of a record and the names of both members need. */
const LINKS_BYTES = 128;
const CLOSING_BRACE = "}";

/** True if the record's hash matches its content and its predecessor. */
export function verifies(record: EventRecord): boolean {
  const { prev, hash: claimed, ...rest } = record;
  return hash("blake2s256", prev + canonical(rest), "hex") === claimed;
}

const TAIL_BYTES = 256 * 1024;

/**
 * The end of the chain in this file, so that the next process continues it; the start of a new chain if the file is
 * absent or its tail has no whole record. A last line that was cut off when a process was killed is skipped. Its number
 * is not used again, so that the gap is visible.
 */
export function chainEnd(file: string): ChainEnd {
  const end = endOf(file);
  if (end.seq > 0) return end;
  // The process was killed after it renamed the file and before it wrote the first line of the next one.
  const { seq, hash } = endOf(`${file}.1`);
  return { ...end, seq, hash };
}

function endOf(file: string): ChainEnd {
  const lines = tailOf(file).split("\n");
  const torn = lines.at(-1) !== ""; // if the file ends with a newline, the last piece is empty
  for (const line of lines.toReversed()) {
    const end = endIn(line);
    if (end !== undefined) return { seq: torn ? end.seq + 1 : end.seq, hash: end.hash, torn };
  }
  return { seq: 0, hash: GENESIS, torn };
}

function endIn(line: string): { seq: number; hash: string } | undefined {
  try {
    const { seq, hash } = JSON.parse(line) as Partial<EventRecord>;
    return typeof seq === "number" && typeof hash === "string" && /^[0-9a-f]{64}$/.test(hash) ? { seq, hash } : undefined;
  } catch {
    return undefined;
  }
}

/** Empty if the file is absent or cannot be read. The sink reports whether it can be written. */
function tailOf(file: string): string {
  try {
    const descriptor = openSync(file, "r");
    try {
      const { size } = fstatSync(descriptor);
      const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES));
      readSync(descriptor, buffer, 0, buffer.length, size - buffer.length);
      return buffer.toString("utf8");
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return "";
  }
}
