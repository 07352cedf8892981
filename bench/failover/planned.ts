/** An operator moves one session back and forth between two working links, under load. */

import { elapse } from "#lab/stage";
import { ControlError } from "#sdk/index";
import { activeLink, type Field, warmLink } from "./field.ts";
import { isSound, type Trial, watching } from "./trials.ts";

const LOAD_MBIT = 40;
const ARRIVE_LIMIT_MS = 5_000;
/** Pause between two jumps. Preset `bench` permits 600 jumps a minute. */
const PAUSE_MS = 110;
/** After more refusals in a row the session itself is broken, and the series fails. */
const REFUSALS_MAX = 20;

interface PlannedSeries {
  readonly trials: readonly Trial[];
  /** Requests that the policy or the session's state refused. Each was repeated. */
  readonly refused: number;
  readonly unsound: number;
}

/** Plays `count` jumps of one and the same session. */
export async function plannedJumps(field: Field, count: number, progress: (line: string) => void): Promise<PlannedSeries> {
  const started = await field.freshSession();
  const load = await field.transfer(LOAD_MBIT);
  await elapse(1_000);
  const trials: Trial[] = [];
  let refused = 0;
  for (let inARow = 0; trials.length < count; ) {
    const session = await field.session();
    const to = session === undefined ? "" : warmLink(session);
    if (session === undefined || session.id !== started.id) throw new Error("the session did not survive its planned jumps");
    const watch = await watching(field);
    const fromUs = (await field.nowUs()) - field.plan.rttMs * 1_000;
    if (to === "" || !(await isSwitched(field, session.id, to))) {
      refused += 1;
      inARow += 1;
      if (inARow > REFUSALS_MAX)
        throw new Error(`${inARow} jumps in a row were refused; the last one from ${activeLink(session)}`);
      await elapse(PAUSE_MS);
      continue;
    }
    inARow = 0;
    const arrived = await field.arrives(to, ARRIVE_LIMIT_MS);
    await elapse(PAUSE_MS + field.plan.rttMs);
    const { gapMs, lost } = await field.closedReport(fromUs, ARRIVE_LIMIT_MS);
    trials.push({ kind: "planned", link: to, direction: "both", gapMs: arrived ? gapMs : null, lost, ...(await watch()) });
    if (trials.length % 25 === 0 || trials.length === count)
      progress(`planned ${trials.length}/${count}: ${trials.reduce((sum, { lost }) => sum + lost, 0)} packets lost`);
  }
  await load.stop();
  return { trials, refused, unsound: trials.filter((trial) => !isSound(trial)).length };
}

async function isSwitched(field: Field, session: string, to: string): Promise<boolean> {
  try {
    await field.client.sdk.switch(session, `${to}/udp4`);
    return true;
  } catch (error) {
    if (error instanceof ControlError) return false;
    throw error;
  }
}
