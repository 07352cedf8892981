import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** Bytes that wait for the disk, of 60,000 records or so; more are dropped and counted. */
const WAITING_BYTES_MAX = 32 * 1024 * 1024;
/** Lines gather in pieces of memory of this size, which are used again. */
const PIECE_BYTES = 256 * 1024;
/** Pieces that are kept to be filled again. */
const SPARE_MAX = 8;
/** A record file is put aside at this size; the oldest of five is removed. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;
const FILES_KEPT = 5;
/** After a failed write the disk is left alone for this long. */
const REST_MS = 5_000;

interface SinkLimits {
  readonly waitingBytesMax: number;
  readonly fileBytesMax: number;
  readonly filesKept: number;
}

const LIMITS: SinkLimits = { waitingBytesMax: WAITING_BYTES_MAX, fileBytesMax: FILE_BYTES_MAX, filesKept: FILES_KEPT };

/** Lines as the file will hold them. Outside of the heap: what waits there for a while is a burden to every collection of garbage. */
interface Piece {
  readonly memory: Buffer;
  bytes: number;
  lines: number;
}

interface SinkNews {
  /** The sink began to fail, or works again. `lost` records since the last news could not be kept. */
  health(ok: boolean, why: string, lost: number): void;
}

/**
 * Appends lines to a file, never making the caller wait: lines gather in a bounded queue while the disk works. A disk that fails
 * or is too slow costs lines, which are counted, and raises the news; the sink tries again.
 */
export class FileSink {
  readonly #file: string;
  readonly #news: SinkNews;
  readonly #limits: SinkLimits;
  /** Oldest first; the last one is filled. */
  #waiting: Piece[] = [];
  #waitingBytes = 0;
  readonly #spare: Piece[] = [];
  #lost = 0;
  #failing = false;
  #handle: FileHandle | null = null;
  #size = 0;
  #writing: Promise<void> | null = null;
  #restUntil = 0;

  constructor(file: string, news: SinkNews, limits: SinkLimits = LIMITS) {
    this.#file = file;
    this.#news = news;
    this.#limits = limits;
  }

  /** `line` ends with a newline, and is copied. Never throws. */
  push(line: Uint8Array): void {
    const bytes = line.length;
    if (this.#waitingBytes + bytes > this.#limits.waitingBytesMax) {
      this.#lost++;
      this.#report(false, "the disk is too slow or fails");
      return;
    }
    const piece = this.#pieceFor(bytes);
    piece.memory.set(line, piece.bytes);
    piece.bytes += bytes;
    piece.lines++;
    this.#waitingBytes += bytes;
    if (performance.now() >= this.#restUntil) this.#start();
  }

  /** Writes what waits, at most for `ms`; then the file is closed. A later line opens it again. */
  async close(ms: number): Promise<void> {
    this.#restUntil = 0;
    this.#start();
    const deadline = new Promise<void>((resolve) => setTimeout(resolve, ms).unref());
    await Promise.race([this.#writing ?? Promise.resolve(), deadline]);
    await Promise.race([this.#closeFile(), deadline]);
  }

  #start(): void {
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = null;
    });
  }

  #pieceFor(bytes: number): Piece {
    const last = this.#waiting.at(-1);
    if (last !== undefined && last.bytes + bytes <= last.memory.length) return last;
    const spare = bytes <= PIECE_BYTES ? this.#spare.pop() : undefined;
    const piece = spare ?? { memory: Buffer.allocUnsafeSlow(Math.max(PIECE_BYTES, bytes)), bytes: 0, lines: 0 };
    this.#waiting.push(piece);
    return piece;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const pieces = this.#waiting;
      this.#waiting = [];
      const bytes = pieces.reduce((sum, piece) => sum + piece.bytes, 0);
      try {
        await this.#write(pieces, bytes);
        this.#waitingBytes -= bytes;
        this.#keep(pieces);
        this.#report(true, "");
      } catch (cause) {
        this.#waitingBytes -= bytes;
        this.#lost += pieces.reduce((sum, piece) => sum + piece.lines, 0);
        this.#restUntil = performance.now() + REST_MS;
        // A disk that is full may have taken a part: the next line must not be glued to half of one.
        await this.#handle?.truncate(this.#size).catch(() => {});
        await this.#closeFile();
        this.#report(false, cause instanceof Error ? cause.message : String(cause));
        return;
      }
    }
  }

  /** To be filled again, unless it was made for one long line. */
  #keep(pieces: readonly Piece[]): void {
    for (const { memory } of pieces) {
      if (memory.length === PIECE_BYTES && this.#spare.length < SPARE_MAX) this.#spare.push({ memory, bytes: 0, lines: 0 });
    }
  }

  async #write(pieces: readonly Piece[], bytes: number): Promise<void> {
    this.#handle ??= await this.#open();
    if (this.#size >= this.#limits.fileBytesMax) {
      await this.#closeFile();
      await this.#rotate();
      this.#handle = await this.#open();
    }
    const handle = this.#handle;
    const memory = pieces.map((piece) => piece.memory.subarray(0, piece.bytes));
    const { bytesWritten } = await handle.writev(memory);
    // The rest of a partial write goes on, or fails and says why.
    if (bytesWritten < bytes) await handle.appendFile(Buffer.concat(memory).subarray(bytesWritten));
    this.#size += bytes;
  }

  async #open(): Promise<FileHandle> {
    await mkdir(dirname(this.#file), { recursive: true, mode: 0o700 });
    const handle = await open(this.#file, "a", 0o640);
    this.#size = (await handle.stat()).size;
    return handle;
  }

  /** A failing close loses nothing that a failed write has not told already. */
  async #closeFile(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    await handle?.close().catch(() => {});
  }

  /** `events.jsonl` → `.1` → … → `.5` → gone. */
  async #rotate(): Promise<void> {
    await rm(`${this.#file}.${this.#limits.filesKept}`, { force: true });
    for (let index = this.#limits.filesKept - 1; index >= 0; index--) {
      const from = index === 0 ? this.#file : `${this.#file}.${index}`;
      await rename(from, `${this.#file}.${index + 1}`).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code !== "ENOENT") throw cause;
      });
    }
  }

  #report(ok: boolean, why: string): void {
    const changed = this.#failing === ok;
    if (!changed && !(ok && this.#lost > 0)) return;
    this.#failing = !ok;
    const lost = ok ? this.#lost : 0;
    if (ok) this.#lost = 0;
    this.#news.health(ok, why, lost);
  }
}
