import type { Batch } from "./sinks/sink.ts";

/** Lines are stored in pieces of memory of this size, which are reused. */
const PIECE_BYTES = 256 * 1024;
/** Most pieces that are kept for reuse. */
const SPARE_MAX = 8;

/** Memory outside of the heap: there, lines that wait do not slow down the garbage collector. */
interface Piece {
  readonly memory: Buffer;
  bytes: number;
}

/** Lines that wait for one sink: at most `bytesMax` bytes, including the batch that is under way. */
export class LineQueue {
  readonly #bytesMax: number;
  /** Oldest first; new lines go into the last one. */
  #waiting: Piece[] = [];
  #first = 0;
  #last = 0;
  #count = 0;
  /** Bytes that wait or are under way. */
  #bytes = 0;
  #underWay: { readonly pieces: readonly Piece[]; readonly batch: Batch } | null = null;
  readonly #spare: Piece[] = [];

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Copies the line, which ends with its newline. False if it does not fit; it is then not kept. */
  add(seq: number, line: Uint8Array): boolean {
    const bytes = line.length;
    if (this.#bytes + bytes > this.#bytesMax) return false;
    const piece = this.#pieceFor(bytes);
    piece.memory.set(line, piece.bytes);
    piece.bytes += bytes;
    if (this.#count === 0) this.#first = seq;
    this.#last = seq;
    this.#count++;
    this.#bytes += bytes;
    return true;
  }

  /** Takes all waiting lines as a batch. The previous batch must have been released. */
  take(): Batch {
    const pieces = this.#waiting;
    const batch: Batch = {
      first: this.#first,
      last: this.#last,
      count: this.#count,
      bytes: pieces.reduce((sum, piece) => sum + piece.bytes, 0),
      pieces: pieces.map((piece) => piece.memory.subarray(0, piece.bytes)),
    };
    this.#waiting = [];
    this.#count = 0;
    this.#underWay = { pieces, batch };
    return batch;
  }

  /** Ends the batch that is under way. Its memory is reused, unless it was allocated for one long line. */
  release(): void {
    const { pieces, batch } = this.#underWay ?? { pieces: [], batch: null };
    this.#underWay = null;
    this.#bytes -= batch?.bytes ?? 0;
    for (const { memory } of pieces) {
      if (memory.length === PIECE_BYTES && this.#spare.length < SPARE_MAX) this.#spare.push({ memory, bytes: 0 });
    }
  }

  #pieceFor(bytes: number): Piece {
    const last = this.#waiting.at(-1);
    if (last !== undefined && last.bytes + bytes <= last.memory.length) return last;
    const spare = bytes <= PIECE_BYTES ? this.#spare.pop() : undefined;
    const piece = spare ?? { memory: Buffer.allocUnsafeSlow(Math.max(PIECE_BYTES, bytes)), bytes: 0 };
    this.#waiting.push(piece);
    return piece;
  }
}
