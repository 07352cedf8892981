/** Both links lose packets at random, but none fails. Every jump is therefore a false jump. */
import { elapse } from "#lab/stage";
import { poissonUpper95 } from "#lab/statistics";
import type { Field } from "./field.ts";

const RANDOM_LOSS = 0.02;

export interface FalseJumps {
  readonly loss: number;
  readonly hours: number;
  /** Number of switches. */
  readonly count: number;
  /** Active paths that were declared dead, with or without a switch afterwards. */
  readonly deaths: number;
  /** Upper 95 % bound of the rate of switches (Poisson). */
  readonly upper95PerHour: number;
}

export async function falseJumps(field: Field, seconds: number, progress: (line: string) => void): Promise<FalseJumps> {
  await field.freshSession();
  const mark = field.client.events().at(-1)?.seq ?? 0;
  for (const uplink of field.uplinks) await uplink.impair("both", { loss: RANDOM_LOSS });
  const began = performance.now();
  while (performance.now() - began < seconds * 1_000) {
    await elapse(Math.min(10_000, seconds * 1_000 - (performance.now() - began)));
    progress(`falseJumps ${Math.round((performance.now() - began) / 1_000)}/${seconds} s at ${RANDOM_LOSS * 100} % random loss`);
  }
  const hours = (performance.now() - began) / 3_600_000;
  const events = field.client.events().filter(({ seq }) => seq > mark);
  for (const uplink of field.uplinks) await uplink.impair("both", { loss: 0 });
  const count = events.filter(({ type }) => type === "TransportSwitch").length;
  const deaths = events.filter(({ type }) => type === "TransportDead").length;
  return { loss: RANDOM_LOSS, hours, count, deaths, upper95PerHour: poissonUpper95(count) / hours };
}
