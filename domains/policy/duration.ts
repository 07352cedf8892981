import { HOUR, MINUTE, type Millis, SECOND } from "#kernel/time";

const UNITS: Readonly<Record<string, Millis>> = { ms: 1, s: SECOND, m: MINUTE, h: HOUR };

/** `"1500ms"`, `"3s"`, `"2m"`, `"12h"` in milliseconds; `undefined` for anything else. Fractions are refused. */
export function durationOf(text: string): Millis | undefined {
  const match = /^(\d{1,9})(ms|s|m|h)$/.exec(text);
  const unit = UNITS[match?.[2] ?? ""];
  return unit === undefined ? undefined : Number(match?.[1]) * unit;
}

/** The shortest exact text, as in a policy file. */
export function durationText(value: Millis): string {
  if (value > 0 && value % HOUR === 0) return `${value / HOUR}h`;
  if (value > 0 && value % MINUTE === 0) return `${value / MINUTE}m`;
  if (value % SECOND === 0) return `${value / SECOND}s`;
  return `${value}ms`;
}
