const FIRST_BYTES = 4 * 1024;
/** `clear` frees memory that is larger than this. */
const KEPT_BYTES_MAX = 64 * 1024;
const NEWLINE = 0x0a;

/**
 * The newest `max` lines of text, in memory outside of the heap: many sessions make thousands of records in a second,
 * and the garbage collector is slowest with text that is kept for a while. The memory is at most twice the size of
 * `max` lines.
 */
export class Lines {
  readonly #max: number;
  #memory = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #from = 0;
  #to = 0;
  #count = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /**
   * Adds a line. True if the oldest line was removed for it. `line` is UTF-8 and its only newline is at its end. O(1)
   * amortized.
   */
  add(line: Uint8Array): boolean {
    this.#makeRoom(line.length);
    this.#memory.set(line, this.#to);
    this.#to += line.length;
    this.#count++;
    if (this.#count <= this.#max) return false;
    this.#from = this.#memory.indexOf(NEWLINE, this.#from) + 1;
    this.#count--;
    return true;
  }

  /** Oldest first. */
  all(): readonly string[] {
    return this.#memory.toString("utf8", this.#from, this.#to).split("\n").slice(0, -1);
  }

  /** Removes all lines; the memory is reused. */
  clear(): void {
    if (this.#memory.length > KEPT_BYTES_MAX) this.#memory = Buffer.allocUnsafeSlow(FIRST_BYTES);
    this.#from = 0;
    this.#to = 0;
    this.#count = 0;
  }

  /** Moves the lines to the front of the memory; if they would fill more than half of it, to a larger memory. */
  #makeRoom(bytes: number): void {
    if (this.#to + bytes <= this.#memory.length) return;
    const held = this.#to - this.#from;
    const wanted = 2 * (held + bytes);
    const memory = wanted <= this.#memory.length ? this.#memory : Buffer.allocUnsafeSlow(wanted);
    this.#memory.copy(memory, 0, this.#from, this.#to);
    this.#memory = memory;
    this.#from = 0;
    this.#to = held;
  }
}
