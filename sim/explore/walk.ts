import type { Sample } from "#domains/transport/model";
import { Digest } from "./digest.ts";

/**
 * How a member enters a state's key. `past` = as its age, `future` = as the time until then, `path` and `handle` = as
 * its rank among those in use. `skip` = not at all, because no decision reads it: versions, counters for people, texts,
 * and values that follow from others.
 */
type Kind = "skip" | "past" | "future" | "pasts" | "path" | "handle" | "asked" | "samples" | "cumulative" | "pending";

// biome-ignore format: a table
const TABLE: Readonly<Record<string, Kind>> = {
  // not read by any decision
  version: "skip", bindSeq: "skip", attempt: "skip", jumps: "skip", assignment: "skip", peer: "skip", offer: "skip", label: "skip",
  name: "skip", digest: "skip", tallies: "skip", attempts: "skip", sinceAt: "skip", lastReason: "skip", predecessor: "skip",
  endedAt: "skip", errors: "skip", tunnel: "skip", keyEpoch: "skip", evidence: "skip",
  // ages
  since: "past", bornAt: "past", transportlessSince: "past", degradedSince: "past", stableSince: "past", unboundAt: "past",
  unansweredSince: "past", reportedAt: "past", searchSince: "past", lastSwitchAt: "past", startedAt: "past", hintedAt: "past",
  missedSince: "past", readySince: "past", mayDegradeSince: "past",
  switches: "pasts", recoveries: "pasts",
  // times in the future
  retryAt: "future", until: "future", electiveAt: "future", nextAt: "future", at: "future", deadline: "future",
  blockedUntil: "future", movesBlockedUntil: "future",
  // names
  path: "path", active: "path", lastActive: "path", missed: "path", target: "path", handle: "handle", current: "handle",
  asked: "asked", samples: "samples", answered: "cumulative", lost: "cumulative",
  request: "pending",
};

const KINDS: ReadonlyMap<string, Kind> = new Map(Object.entries(TABLE));

/** No rule distinguishes ages above this: the longest period of a rule is the minute of the budgets. */
const AGE_MAX_MS = 61_000;

const constants = new WeakMap<object, number>();

/** Feeds values into a digest, according to the kinds of their members. */
export class Walk {
  readonly digest = new Digest();
  readonly #now: number;
  readonly #paths: readonly number[];
  readonly #handles: readonly number[];

  constructor(now: number, paths: readonly number[], handles: readonly number[]) {
    this.#now = now;
    this.#paths = paths;
    this.#handles = handles;
  }

  /** Feeds a value without times, which many states share. */
  constant(value: object): void {
    let known = constants.get(value);
    if (known === undefined) {
      const walk = new Walk(0, [], []);
      walk.value(value, "");
      known = walk.digest.value;
      constants.set(value, known);
    }
    this.digest.number(known);
  }

  member(name: string, value: unknown): void {
    const kind = KINDS.get(name);
    if (kind === undefined || value === null || value === undefined) this.value(value, name);
    else this.#kind(kind, value);
  }

  value(value: unknown, name: string): void {
    switch (typeof value) {
      case "number":
        this.digest.number(value);
        return;
      case "string":
        this.digest.text(value);
        return;
      case "boolean":
        this.digest.number(value ? -3 : -4);
        return;
      case "object":
        if (value === null) this.digest.number(-5);
        else if (Array.isArray(value)) this.#list(value, name);
        else for (const key in value) this.member(key === "id" ? "path" : key, (value as Record<string, unknown>)[key]);
        return;
      default:
        this.digest.number(-6);
    }
  }

  #list(values: readonly unknown[], name: string): void {
    this.digest.number(-100 - values.length);
    for (const value of values) this.value(value, name);
  }

  #kind(kind: Kind, value: unknown): void {
    switch (kind) {
      case "skip":
        return;
      case "past":
        this.digest.number(this.#age(value));
        return;
      case "future":
        this.digest.number(Math.max(0, Number(value) - this.#now));
        return;
      case "pasts": {
        const ages = (value as readonly number[]).map((at) => this.#age(at)).filter((age) => age < AGE_MAX_MS);
        this.#list(ages, "");
        return;
      }
      case "path":
        this.digest.number(typeof value === "number" ? this.#paths.indexOf(value) : -7);
        return;
      case "handle":
        this.digest.number(this.#handles.indexOf(Number(value)));
        return;
      case "asked":
        for (const [path, asked] of Object.entries(value as object)) this.value({ path: Number(path), ...asked }, "");
        return;
      case "samples":
        this.#samples(value as readonly Sample[]);
        return;
      case "pending":
        this.digest.number(-10);
        return;
      case "cumulative":
        this.digest.number(value === null ? -8 : -9);
        return;
      default:
        this.value(value, "");
    }
  }

  /** Only differences between traffic counters matter. */
  #samples(samples: readonly Sample[]): void {
    const first = samples[0];
    if (first === undefined) return;
    for (const { at, srttUs, jitterUs, upSent, upReceived } of samples) {
      this.digest.number(this.#age(at));
      this.digest.number(srttUs + jitterUs);
      this.digest.number((upSent - first.upSent) * 1_000 + (upReceived - first.upReceived));
    }
  }

  #age(at: unknown): number {
    return Math.min(AGE_MAX_MS, this.#now - Number(at));
  }
}
