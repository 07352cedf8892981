/**
 * Digest of a stream of numbers: two 32-bit lanes, of which 53 bits identify a state. Not secure against an attacker.
 */
export class Digest {
  #a = 0x811c9dc5;
  #b = 0x9747b28c;

  number(value: number): void {
    const low = value | 0;
    const high = low === value ? 0 : Math.round(value * 1_003) | 0;
    this.#a = Math.imul(this.#a ^ low, 0x01000193);
    this.#a = Math.imul(this.#a ^ high ^ (this.#a >>> 15), 0x85ebca6b);
    this.#b = Math.imul(this.#b ^ (low + 0x7ed55d16), 0xcc9e2d51);
    this.#b = Math.imul(this.#b ^ high ^ (this.#b >>> 13), 0x1b873593);
  }

  text(value: string): void {
    this.number(wordNumber(value));
  }

  /** An integer below 2^53. */
  get value(): number {
    const a = Math.imul(this.#a ^ (this.#a >>> 16), 0x7feb352d);
    const b = Math.imul(this.#b ^ (this.#b >>> 16), 0x846ca68b);
    return ((b ^ (b >>> 15)) >>> 11) * 0x1_0000_0000 + ((a ^ (a >>> 15)) >>> 0);
  }
}

const words = new Map<string, number>();

/** The core uses few words. Each gets its own number, so that two words never collide. */
function wordNumber(word: string): number {
  const known = words.get(word);
  if (known !== undefined) return known;
  words.set(word, words.size + 1);
  return words.size;
}
