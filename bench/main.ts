/** `npm run bench -- throughput [--rounds N] [--seconds S] [--out FILE] [--json]`. Progress on stderr, the result on stdout. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "#lab/paths";
import { requireAll } from "#lab/requirements";
import { withScope } from "#lab/scope";
import { type ThroughputResult, throughput } from "./throughput.ts";

const USAGE =
  "  why: the benchmarks are: throughput\n  do:  npm run bench -- throughput [--rounds 12] [--seconds 6] [--out FILE] [--json]\n";

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: "boolean", default: false },
      rounds: { type: "string", default: "12" },
      seconds: { type: "string", default: "6" },
      out: { type: "string" },
    },
  });
  const rounds = Number(values.rounds);
  const seconds = Number(values.seconds);
  if (positionals[0] !== "throughput" || positionals.length > 1)
    return usage(`unknown benchmark: ${positionals.join(" ") || "(none)"}`);
  if (!(Number.isInteger(rounds) && rounds >= 1 && rounds <= 100)) return usage(`--rounds must be 1…100, not ${values.rounds}`);
  if (!(seconds >= 2 && seconds <= 60)) return usage(`--seconds must be 2…60, not ${values.seconds}`);
  requireAll();
  const options = { rounds, seconds, warmUpSeconds: Math.min(1.5, seconds / 4) };
  const { value: result, leftovers } = await withScope((scope) =>
    throughput(scope, options, (line) => process.stderr.write(`▸ ${line}\n`)),
  );
  for (const leftover of leftovers) process.stderr.write(`left behind: ${leftover}\n`);
  const file = values.out ?? join(ROOT, "build", "bench", "throughput.json");
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(result, null, 1)}\n`);
  process.stderr.write(`▸ raw data: ${file}\n`);
  process.stdout.write(values.json ? `${JSON.stringify({ ...result, raw: undefined })}\n` : table(result));
  return leftovers.length === 0 ? 0 : 1;
}

function table({ gbps, ratio }: ThroughputResult): string {
  return Object.entries(gbps)
    .map(([name, { median }]) => {
      const to = ratio[name];
      const against =
        to === undefined
          ? ""
          : `   jumping-vpn is ${to.median.toFixed(2)}× (${to.ci95[0].toFixed(2)} … ${to.ci95[1].toFixed(2)})`;
      return `${name.padEnd(14)} ${median.toFixed(2).padStart(6)} Gbit/s${against}\n`;
    })
    .join("");
}

function usage(what: string): number {
  process.stderr.write(`${what}\n${USAGE}`);
  return 2;
}

process.exitCode = await main();
