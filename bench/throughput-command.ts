/** Benchmarks with one TCP stream: against others, at a fixed rate, without a cipher, and variants of the product. */
import type { Contender } from "#lab/contenders/contender";
import { JUMPING_VPN, jumpingVpn } from "#lab/contenders/jumping-vpn";
import { OPENVPN } from "#lab/contenders/openvpn";
import { VETH } from "#lab/contenders/veth";
import { recordFile, WIREGUARD_GO } from "#lab/contenders/wireguard-go";
import { type Benchmark, inScope } from "./benchmark.ts";
import { nullCipherEngine } from "./null-engine.ts";
import { numberOf, wholeNumberOf } from "./options.ts";
import { type ThroughputResult, throughput } from "./throughput.ts";

const OTHERS: readonly Contender[] = [VETH, WIREGUARD_GO, OPENVPN];

const NULL_CIPHER = jumpingVpn({ name: "null cipher", engine: nullCipherEngine });

const VARIANTS: readonly Contender[] = [
  jumpingVpn({ name: "ChaCha20-Poly1305", disable: ["aes_gcm"] }),
  jumpingVpn({ name: "over IPv6", family: "ipv6" }),
  jumpingVpn({ name: "without offloads", disable: ["tun_offload", "udp_gso", "udp_gro"] }),
  jumpingVpn({ name: "three workers", workers: 3 }),
  jumpingVpn({ name: "a jump each second", jumpEveryMs: 1_000 }),
];

/** A rate that every contender can carry. */
const CPU_MBIT = 200;

export const THROUGHPUT = streams("throughput", OTHERS, { rounds: 12 });
export const CPU = streams("cpu", OTHERS, { rounds: 6, rateMbit: CPU_MBIT });
export const NULL = streams("null", [NULL_CIPHER], { rounds: 12 });
export const VARIANTS_OF_ITS_OWN = streams("variants", VARIANTS, { rounds: 12 });

function streams(
  name: ThroughputResult["name"],
  others: readonly Contender[],
  usual: { readonly rounds: number; readonly rateMbit?: number },
): Benchmark {
  return {
    usage: `[--rounds ${usual.rounds}] [--seconds 6]`,
    options: ["rounds", "seconds"],
    plan(words) {
      const seconds = numberOf(words, "seconds", 6, 2, 60);
      const rounds = wholeNumberOf(words, "rounds", usual.rounds, 1, 100);
      const options = { rounds, seconds, warmUpSeconds: Math.min(1.5, seconds / 4), rateMbit: usual.rateMbit ?? null };
      const contenders = [JUMPING_VPN, ...others];
      return {
        file: others.includes(WIREGUARD_GO) ? recordFile(name) : name,
        run: (progress) => inScope((scope) => throughput(scope, name, contenders, options, progress), table),
      };
    },
  };
}

function table({ gbps, ratio, cpuSecondsPerGB, cpuRatio }: ThroughputResult): string {
  return Object.entries(gbps)
    .map(([name, { median }]) => {
      const [speed, cpu] = [ratio[name], cpuRatio[name]];
      const against =
        speed === undefined || cpu === undefined
          ? ""
          : `   jumping-vpn is ${speed.median.toFixed(2)}× (${speed.ci95[0].toFixed(2)} … ${speed.ci95[1].toFixed(2)}), at ${cpu.median.toFixed(2)}× the CPU`;
      const cost = (cpuSecondsPerGB[name]?.median ?? Number.NaN).toFixed(2);
      return `${name.padEnd(20)} ${median.toFixed(2).padStart(6)} Gbit/s, ${cost} CPU s per GB${against}\n`;
    })
    .join("");
}
