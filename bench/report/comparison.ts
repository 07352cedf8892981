/** The sections of docs/comparison.md: one fault, all subjects side by side. */
import type { CompareResult } from "#lab/compare/run";
import { cdf } from "../plot.ts";
import type { Kept } from "./data.ts";
import { origin, percentiles, table } from "./markdown.ts";
import type { Page } from "./page.ts";

const TITLES: Readonly<Record<CompareResult["case"], string>> = {
  "1.1-signalled": "The active link goes down, and the kernel reports it",
  "1.1-silent": "The active link drops all packets silently",
  planned: "The operator moves to the other link; both links work",
};

export function comparisonSection({ file, result }: Kept<CompareResult>): Page {
  const never = `not within ${result.options.seconds} s`;
  const rows = Object.entries(result.gapMs).flatMap(([name, flows]) =>
    Object.entries(flows).map(([over, gaps]) => [`${name}, ${over.toUpperCase()}`, ...percentiles(gaps, never)]),
  );
  const curves = Object.entries(result.gapMs).flatMap(([name, flows]) =>
    Object.keys(flows).map((over) => ({
      name: `${name} ${over}`,
      values: result.raw.filter((trial) => trial.subject === name && trial.over === over).map(({ gapMs }) => gapMs),
    })),
  );
  const picture = file.replace(/\.json$/, ".svg");
  const out = Object.entries(result.satOut).map(
    ([name, why]) => `${name} missed ${why.length} trials: ${[...new Set(why)].join("; ")}.\n`,
  );
  const missing = Object.entries(result.missing).map(([name, why]) => `${name} did not take part: ${why}.\n`);
  return {
    text: [
      `## ${TITLES[result.case]}\n`,
      table(["longest time without an echo", "trials", "p50", "p90", "p99", "max"], rows),
      `![Distributions](plots/${picture})\n`,
      ...missing,
      ...out,
      origin(result.machine, file),
    ].join("\n"),
    pictures: [{ file: picture, svg: cdf(TITLES[result.case], "longest time without an echo, ms", curves) }],
  };
}
