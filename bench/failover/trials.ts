/** Trials in which one link fails and the other takes over. The result is the gap that a 1 kHz flow sees. */

import { ticks } from "#lab/machine";
import { elapse } from "#lab/stage";
import type { Uplink } from "#lab/topology";
import { activeLink, type Field, warmLink } from "./field.ts";

export interface Trial {
  readonly kind: string;
  /** The link with the fault. */
  readonly link: string;
  readonly direction: "both" | "up" | "down";
  /** Longest time without a packet in the worse direction, ms; `null` = it lasted until the trial's end. */
  readonly gapMs: number | null;
  /** Packets of both flows that never arrived, from one path delay before the fault to the trial's end. */
  readonly lost: number;
  /** Greatest delay error of the link emulators, µs. */
  readonly lateUs: number;
  /** Share of processor time that the host took away. */
  readonly steal: number;
}

interface Fault {
  readonly kind: string;
  readonly direction: Trial["direction"];
  /** Starts the fault. Returns the time at which it took effect, µs of the boot clock. */
  readonly strike: (link: Uplink) => Promise<number>;
  readonly heal: (link: Uplink) => Promise<unknown>;
}

/** The interface goes down and the kernel reports it. */
export const LINK_DOWN: Fault = {
  kind: "signalled",
  direction: "both",
  strike: (link) => link.unplug(),
  heal: (link) => link.plug(),
};

/** The link drops all packets silently. */
export function silence(kind: string, direction: Trial["direction"]): Fault {
  return {
    kind,
    direction,
    strike: (link) => link.impair(direction, { blackhole: true }),
    heal: (link) => link.impair("both", { blackhole: false }),
  };
}

/** Largest permitted delay error of the emulators. A greater one makes the trial invalid. */
const LATE_US_MAX = 5_000;
const STEAL_MAX = 0.02;
/** Longest wait until the session uses the other link. */
const JUMP_LIMIT_MS = 10_000;
/**
 * Least wait before a fault, so that the paths are measured. `PHASE_MS` varies it, so that faults hit no fixed timer
 * phase.
 */
const DWELL_MS = 250;
const PHASE_MS = 50;

/** Whether the instruments were accurate enough. */
export function isSound({ lateUs, steal }: Pick<Trial, "lateUs" | "steal">): boolean {
  return lateUs <= LATE_US_MAX && steal <= STEAL_MAX;
}

/**
 * Measures the gap of one fault on the active link of a new session, then repairs the link. `index` varies the phase.
 */
export async function jumpTrial(field: Field, fault: Fault, index: number): Promise<Trial> {
  const session = await field.freshSession();
  const link = field.uplink(activeLink(session));
  const heir = warmLink(session);
  await elapse(DWELL_MS + ((index * 17) % PHASE_MS));
  const watch = await watching(field);
  const struckUs = await fault.strike(link);
  await field.arrives(heir, JUMP_LIMIT_MS);
  await elapse(200 + 2 * field.plan.rttMs);
  const seen = await field.closedReport(struckUs - field.plan.rttMs * 500, JUMP_LIMIT_MS);
  const instruments = await watch();
  await fault.heal(link);
  return { kind: fault.kind, link: link.name, direction: fault.direction, gapMs: seen.gapMs, lost: seen.lost, ...instruments };
}

/** Starts observing the instruments. The returned function reports their errors since then. */
export async function watching(field: Field): Promise<() => Promise<Pick<Trial, "lateUs" | "steal">>> {
  await field.lateUs();
  const before = ticks();
  return async () => {
    const after = ticks();
    const all = after.all - before.all;
    return { lateUs: await field.lateUs(), steal: all === 0 ? 0 : (after.steal - before.steal) / all };
  };
}

export interface Series {
  readonly trials: readonly Trial[];
  /** Trials that were repeated because the instruments were inaccurate. */
  readonly repeated: number;
  /** Inaccurate trials that were kept because no repetition was left. */
  readonly unsound: number;
}

/** Plays `count` trials. At most `count` are repeated; after that, inaccurate ones are kept and counted. */
export async function playSeries(
  count: number,
  play: (index: number) => Promise<Trial>,
  progress: (line: string) => void,
): Promise<Series> {
  const trials: Trial[] = [];
  let repeated = 0;
  let unsound = 0;
  let told = performance.now();
  while (trials.length < count) {
    const trial = await play(trials.length);
    if (!isSound(trial) && repeated < count) {
      repeated += 1;
      continue;
    }
    if (!isSound(trial)) unsound += 1;
    trials.push(trial);
    if (performance.now() - told > 5_000 || trials.length === count) {
      told = performance.now();
      progress(`${trial.kind} ${trials.length}/${count}: the last gap was ${trial.gapMs ?? "endless"} ms, ${repeated} repeated`);
    }
  }
  return { trials, repeated, unsound };
}
