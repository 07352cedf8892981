import type { Batch } from "./sinks/sink.ts";

/** Lines gather in pieces of memory of this size, which are used again. */
const PIECE_BYTES = 256 * 1024;
/** Pieces that are kept to be filled again. */
const SPARE_MAX = 8;

/** Memory outside of the heap: what waits there for a while would be a burden to every collection of garbage. */
interface Piece {
  readonly memory: Buffer;
  bytes: number;
}

/** Lines that wait for one sink, at most `bytesMax` bytes of them, with those of the batch that is under way. */
export class LineQueue {
  readonly #bytesMax: number;
  /** Oldest first; the last one is filled. */
  #waiting: Piece[] = [];
  #first = 0;
  #last = 0;
  #count = 0;
  /** Of what waits and of what is under way. */
  #bytes = 0;
  #underWay: { readonly pieces: readonly Piece[]; readonly batch: Batch } | null = null;
  readonly #spare: Piece[] = [];

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Copies the line, which ends with its newline. False where it does not fit: then it is not kept. */
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

  /** Everything that waits. The one before it was released. */
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

  /** The batch is settled: its memory is filled again, unless it was made for one long line. */
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
