import type { Provenance } from "#lab/machine";
import type { Distribution, Interval } from "#lab/statistics";

/** A Markdown table. Every row must have as many cells as the head. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |\n`;
  return line(head) + line(head.map((_cell, index) => (index === 0 ? "---" : "---:"))) + rows.map(line).join("");
}

/** A time in ms or s with the significant digits; `never` for `null`. */
export function ms(value: number | null, never: string): string {
  if (value === null) return never;
  return value >= 1_000 ? `${(value / 1_000).toFixed(1)} s` : `${value.toFixed(value < 100 ? 1 : 0)} ms`;
}

export function percentiles({ n, p50, p90, p99, max }: Distribution, never: string): readonly string[] {
  return [`${n}`, ...[p50, p90, p99, max].map((value) => ms(value, never))];
}

/** Median with its 95 % interval. */
export function withInterval({ median, ci95 }: Interval, digits: number): string {
  return `${median.toFixed(digits)} (${ci95[0].toFixed(digits)} … ${ci95[1].toFixed(digits)})`;
}

/** One line on the origin of figures. A `+` after the commit means uncommitted changes. */
export function origin({ commit, kernel, cpu, cores, memoryGiB, at }: Provenance, file: string): string {
  return `Commit ${commit}, Linux ${kernel}, ${cores} × ${cpu}, ${memoryGiB} GiB, ${at.slice(0, 10)}. Raw data: [${file}](../bench/data/${file}).\n`;
}
