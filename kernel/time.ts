/** Whole milliseconds of the boot-time clock, which counts suspend. Only differences have a meaning. */
export type Millis = number;

export const SECOND: Millis = 1_000;
export const MINUTE: Millis = 60 * SECOND;
export const HOUR: Millis = 60 * MINUTE;

/** The earlier of two times; `null` = never. */
export function sooner(a: Millis | null, b: Millis | null): Millis | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}
