import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { Batch, Sink } from "./sink.ts";

/** A record file is renamed at this size. Five renamed files are kept; the oldest is removed. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;
const FILES_KEPT = 5;
const NEWLINE = 0x0a;

interface FileLimits {
  readonly bytesMax: number;
  /** Number of renamed files; `.1` is the newest. */
  readonly kept: number;
}

/** Appends records to a file, one line of JSON each. */
export class FileSink implements Sink {
  readonly name = "file";
  readonly #file: string;
  readonly #limits: FileLimits;
  #handle: FileHandle | null = null;
  #size = 0;

  constructor(file: string, limits: FileLimits = { bytesMax: FILE_BYTES_MAX, kept: FILES_KEPT }) {
    this.#file = file;
    this.#limits = limits;
  }

  async write(batch: Batch): Promise<void> {
    try {
      await this.#append(batch);
    } catch (cause) {
      // A full disk may have written a part. It is cut off, so that the next line does not follow half a line.
      await this.#handle?.truncate(this.#size).catch(() => {});
      await this.close();
      throw cause;
    }
  }

  /** A later batch opens the file again. A failed close loses nothing, because all writes have ended. */
  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    await handle?.close().catch(() => {});
  }

  async #append({ pieces, bytes }: Batch): Promise<void> {
    this.#handle ??= await this.#open();
    if (this.#size >= this.#limits.bytesMax) {
      await this.close();
      await this.#rotate();
      this.#handle = await this.#open();
    }
    const { bytesWritten } = await this.#handle.writev([...pieces]);
    // After a partial write, the rest is written, or fails with a reason.
    if (bytesWritten < bytes) await this.#handle.appendFile(Buffer.concat(pieces).subarray(bytesWritten));
    this.#size += bytes;
  }

  async #open(): Promise<FileHandle> {
    await mkdir(dirname(this.#file), { recursive: true, mode: 0o700 });
    const handle = await open(this.#file, "a+", 0o640);
    try {
      this.#size = (await handle.stat()).size;
      if (await endsInALine(handle, this.#size)) return handle;
      // A process was killed while it wrote the last line.
      await handle.appendFile("\n");
      this.#size += 1;
      return handle;
    } catch (cause) {
      await handle.close().catch(() => {});
      throw cause;
    }
  }

  /** `events.jsonl` → `.1` → … → `.5` → removed. */
  async #rotate(): Promise<void> {
    await rm(`${this.#file}.${this.#limits.kept}`, { force: true });
    for (let index = this.#limits.kept - 1; index >= 0; index--) {
      const from = index === 0 ? this.#file : `${this.#file}.${index}`;
      await rename(from, `${this.#file}.${index + 1}`).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code !== "ENOENT") throw cause;
      });
    }
  }
}

/** False if the last line was cut off before its newline. */
async function endsInALine(handle: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return true;
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] === NEWLINE;
}
