/** The only link drops all packets for some seconds. Measures how long inner TCP needs to continue after its return. */
import { elapse } from "#lab/stage";
import { activeLink, type Field, tcpProgress, warmLink } from "./field.ts";
import { type Trial, watching } from "./trials.ts";

/** Durations of the blackout, s. */
export const BLACKOUT_SECONDS = [3, 10, 20] as const;

const LOAD_MBIT = 8;
const WARM_UP_MS = 1_500;
/** TCP's own back-off after a blackout of 20 s is shorter than this. */
const RESUME_LIMIT_MS = 40_000;

export interface BlackoutTrial extends Omit<Trial, "gapMs" | "lost"> {
  readonly seconds: number;
  /**
   * Time from the link's return to the next new byte at the receiver of the TCP transfer, ms; `null` = none in 40 s.
   */
  readonly tcpResumeMs: number | null;
  /** The same for the first packet of the slower 1 kHz flow. */
  readonly flowResumeMs: number | null;
}

export async function blackoutTrial(field: Field, seconds: number): Promise<BlackoutTrial> {
  const session = await field.freshSession();
  const link = field.uplink(activeLink(session));
  const other = field.uplink(warmLink(session));
  await other.unplug();
  const receiver = await field.transfer(LOAD_MBIT);
  await elapse(WARM_UP_MS);
  const watch = await watching(field);
  await link.impair("both", { blackhole: true });
  await elapse(seconds * 1_000);
  const backUs = await link.impair("both", { blackhole: false });
  const tcpResumeMs = await resumed(receiver, backUs);
  const instruments = await watch();
  const flowResumeMs = await field.resumedAfterMs(backUs);
  await receiver.stop();
  await other.plug();
  return { kind: "blackout", seconds, link: link.name, direction: "both", tcpResumeMs, flowResumeMs, ...instruments };
}

/** Time from the link's return to the end of the stall, ms; `null` = it did not end in time. */
async function resumed(receiver: Awaited<ReturnType<Field["transfer"]>>, backUs: number): Promise<number | null> {
  const end = performance.now() + RESUME_LIMIT_MS;
  while (performance.now() < end) {
    const { stalls } = await tcpProgress(receiver);
    const over = stalls.listed.find(({ startUs, us }) => startUs <= backUs && startUs + us > backUs);
    if (over !== undefined && stalls.lastProgressUs > backUs) return (over.startUs + over.us - backUs) / 1_000;
    await elapse(20);
  }
  return null;
}
