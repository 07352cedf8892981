/** `npm run lab -- compare <case> [--trials 5] [--rtt 20] [--seconds 20] [--record] [--json]`. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "../paths.ts";
import { keep } from "../raw-data.ts";
import { withScope } from "../scope.ts";
import type { Distribution } from "../statistics.ts";
import { COMPARED, type CompareResult, compare } from "./run.ts";

/** Plays one case with every subject that is installed. Returns the exit code. */
export async function compareMain(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: "boolean", default: false },
      record: { type: "boolean", default: false },
      trials: { type: "string", default: "5" },
      rtt: { type: "string", default: "20" },
      seconds: { type: "string", default: "20" },
    },
  });
  const which = COMPARED.find((one) => one === positionals[0]);
  if (which === undefined || positionals.length !== 1) return usage(`unknown case: ${positionals.join(" ") || "(none)"}`);
  const options = { trials: Number(values.trials), rttMs: Number(values.rtt), seconds: Number(values.seconds) };
  if (!(Number.isInteger(options.trials) && options.trials >= 1 && options.trials <= 300))
    return usage(`--trials must be 1…300, not ${values.trials}`);
  if (!(options.rttMs >= 0 && options.rttMs <= 1_000)) return usage(`--rtt must be 0…1000 ms, not ${values.rtt}`);
  if (!(options.seconds >= 2 && options.seconds <= 300)) return usage(`--seconds must be 2…300, not ${values.seconds}`);
  const { value: result, leftovers } = await withScope((scope) =>
    compare(scope, which, options, (line) => process.stderr.write(`▸ ${line}\n`)),
  );
  for (const leftover of leftovers) process.stderr.write(`left behind: ${leftover}\n`);
  const folder = values.record ? join(ROOT, "bench", "data") : join(ROOT, "build", "lab");
  const file = join(folder, `compare-${which}.json`);
  keep(result, file);
  process.stderr.write(`▸ raw data: ${file}\n`);
  process.stdout.write(values.json ? `${JSON.stringify({ ...result, raw: undefined })}\n` : table(result));
  return leftovers.length === 0 ? 0 : 1;
}

function table({ gapMs, missing }: CompareResult): string {
  const lines = Object.entries(gapMs).flatMap(([name, flows]) =>
    Object.entries(flows).map(([over, gaps]) => `${name.padEnd(13)} ${over.padEnd(6)} ${inWords(gaps)}\n`),
  );
  return [...lines, ...Object.entries(missing).map(([name, why]) => `${name.padEnd(13)} ${why}\n`)].join("");
}

function inWords({ n, p50, p90, max }: Distribution): string {
  const ms = (value: number | null): string => (value === null ? "never" : `${value.toFixed(0)} ms`);
  return `p50 ${ms(p50)}, p90 ${ms(p90)}, max ${ms(max)} of ${n}`;
}

function usage(what: string): number {
  process.stderr.write(
    `${what}\n  why: a comparison plays one fault for all subjects. Cases: ${COMPARED.join(", ")}\n  do:  npm run lab -- compare <case> [--trials 5] [--rtt 20] [--seconds 20] [--record] [--json]\n`,
  );
  return 2;
}
