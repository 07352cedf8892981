import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** Bytes that wait for the disk; more are dropped and counted. */
const WAITING_BYTES_MAX = 8 * 1024 * 1024;
/** A record file is put aside at this size; the oldest of five is removed. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;
const FILES_KEPT = 5;
/** After a failed write the disk is left alone for this long. */
const REST_MS = 5_000;

export interface SinkLimits {
  readonly waitingBytesMax: number;
  readonly fileBytesMax: number;
  readonly filesKept: number;
}

const LIMITS: SinkLimits = { waitingBytesMax: WAITING_BYTES_MAX, fileBytesMax: FILE_BYTES_MAX, filesKept: FILES_KEPT };

export interface SinkNews {
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
  #waiting: string[] = [];
  #waitingBytes = 0;
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

  /** `line` ends with a newline. Never throws. */
  push(line: string): void {
    if (this.#waitingBytes + line.length > this.#limits.waitingBytesMax) {
      this.#lost++;
      this.#report(false, "the disk is too slow or fails");
      return;
    }
    this.#waiting.push(line);
    this.#waitingBytes += line.length;
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

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      const text = lines.join("");
      this.#waiting = [];
      try {
        await this.#write(text);
        this.#waitingBytes -= text.length;
        this.#report(true, "");
      } catch (cause) {
        this.#waitingBytes -= text.length;
        this.#lost += lines.length;
        this.#restUntil = performance.now() + REST_MS;
        await this.#closeFile();
        this.#report(false, cause instanceof Error ? cause.message : String(cause));
        return;
      }
    }
  }

  async #write(text: string): Promise<void> {
    this.#handle ??= await this.#open();
    if (this.#size >= this.#limits.fileBytesMax) {
      await this.#closeFile();
      await this.#rotate();
      this.#handle = await this.#open();
    }
    await this.#handle.appendFile(text);
    this.#size += Buffer.byteLength(text);
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
