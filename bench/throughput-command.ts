import { type Benchmark, inScope } from "./benchmark.ts";
import { numberOf, wholeNumberOf } from "./options.ts";
import { type ThroughputResult, throughput } from "./throughput.ts";

export const THROUGHPUT: Benchmark = {
  usage: "[--rounds 12] [--seconds 6]",
  options: ["rounds", "seconds"],
  plan(words) {
    const seconds = numberOf(words, "seconds", 6, 2, 60);
    const rounds = wholeNumberOf(words, "rounds", 12, 1, 100);
    const options = { rounds, seconds, warmUpSeconds: Math.min(1.5, seconds / 4) };
    return { file: "throughput", run: (progress) => inScope((scope) => throughput(scope, options, progress), table) };
  },
};

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
