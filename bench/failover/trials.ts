/** One link dies, the other one takes over: the trials whose result is the gap that a 1 kHz flow sees. */

import { ticks } from "#lab/machine";
import { elapse } from "#lab/stage";
import type { Uplink } from "#lab/topology";
import { activeLink, type Field, warmLink } from "./field.ts";

export interface Trial {
  readonly kind: string;
  /** What the fault hit. */
  readonly link: string;
  readonly direction: "both" | "up" | "down";
  /** The worse direction's longest time without a packet, ms; `null` = it had not ended when the trial did. */
  readonly gapMs: number | null;
  /** Packets of both flows that never arrived, from one path delay before the fault to the trial's end. */
  readonly lost: number;
  /** How late the link emulators were at worst, µs. */
  readonly lateUs: number;
  /** Share of the processors' time that the host took away. */
  readonly steal: number;
}

interface Fault {
  readonly kind: string;
  readonly direction: Trial["direction"];
  /** Strikes; returns when it took effect, µs of the boot clock. */
  readonly strike: (link: Uplink) => Promise<number>;
  readonly heal: (link: Uplink) => Promise<unknown>;
}

/** The interface goes down and the kernel says so. */
export const LINK_DOWN: Fault = {
  kind: "signalled",
  direction: "both",
  strike: (link) => link.unplug(),
  heal: (link) => link.plug(),
};

/** The link swallows what enters it, and nobody is told. */
export function silence(kind: string, direction: Trial["direction"]): Fault {
  return {
    kind,
    direction,
    strike: (link) => link.impair(direction, { blackhole: true }),
    heal: (link) => link.impair("both", { blackhole: false }),
  };
}

/** The emulators may add this much to a measured time; later ones make a trial void. */
const LATE_US_MAX = 5_000;
const STEAL_MAX = 0.02;
/** How long a session may take to arrive on the other link. */
const JUMP_LIMIT_MS = 10_000;
/** Paths have this long to become measured before a fault, and faults come at no fixed phase of any timer. */
const DWELL_MS = 250;
const PHASE_MS = 50;

/** Whether what measured was good enough to be believed. */
export function isSound({ lateUs, steal }: Pick<Trial, "lateUs" | "steal">): boolean {
  return lateUs <= LATE_US_MAX && steal <= STEAL_MAX;
}

/** A fresh session, one fault on its active link, the gap, the link healed. `index` varies the fault's phase. */
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

/** Starts watching the instruments; the answer says how late they were since. */
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
  /** Trials that were played again because the instruments were late. */
  readonly repeated: number;
  /** Trials that were kept although they were late, because there were no repetitions left. */
  readonly unsound: number;
}

/** Plays `count` trials. As many as that may be repeated in all; then the late ones are kept, and counted. */
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
