/** Milliseconds of the boot-time clock (counts suspend), as a whole number. Only differences mean anything. */
export type Millis = number;

export const SECOND: Millis = 1_000;
export const MINUTE: Millis = 60 * SECOND;
export const HOUR: Millis = 60 * MINUTE;
