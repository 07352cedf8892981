/** A real gateway with a given number of known clients, and its memory use. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command, type Netns } from "#lab/ip";
import { Node } from "#lab/nodes";
import { CLI, ROOT } from "#lab/paths";
import type { Scope } from "#lab/scope";
import { until } from "#lab/stage";
import type { Memory } from "./memory.ts";

const INSTRUMENT = join(ROOT, "build", "bench", "scale", "memory.js");
/** Longest start of a gateway, in which it reads its clients. */
const START_MS_MAX = 60_000;
const MEMORY_MS_MAX = 30_000;

/** The gateway's inner address: the first host of its pool. */
export const GATEWAY_INNER = "10.64.0.1";

const POLICY = `schema = "jumping-vpn/policy/v1"
name = "crowd"
preset = "standard"
`;

/** Number of packet threads; `auto` = the gateway chooses. */
export type Workers = number | "auto";

export interface Gateway {
  readonly node: Node;
  readonly publicKey: string;
  /** Number of packet threads. */
  readonly workers: number | null;
  /** Time from the start of the program until all clients are read and operators get answers. */
  readonly startMs: number;
  /** Memory in use after a garbage collection. */
  readonly memory: () => Promise<Memory>;
}

/** Starts `jvpnd gateway` on `address`, in namespace `netns`; `keys` are those of the clients. */
export async function startCrowdedGateway(
  scope: Scope,
  netns: Netns,
  folder: string,
  { address, keys, workers }: { address: string; keys: readonly string[]; workers: Workers },
): Promise<Gateway> {
  const identity = join(folder, "gateway.key");
  const printed = await command(process.execPath, [CLI, "genkey", identity, "--json"]);
  const { publicKey } = JSON.parse(printed) as { publicKey: string };
  const file = join(folder, "memory.json");
  const clients = keys.map((key, index) => `[[client]]\nname = "c${index}"\nkey = "${key}"\n`);
  const config = `[gateway]
listen = ["${address}"]
identity = "${identity}"
pools = ["10.64.0.0/14", "fd80::/64"]
workers = ${JSON.stringify(workers)}

[tunnel]
interface = "jvpn0"

${clients.join("\n")}`;
  mkdirSync(join(folder, "gateway"), { recursive: true });
  writeFileSync(join(folder, "gateway", "policy.toml"), POLICY);
  const began = performance.now();
  const node = await Node.start(scope, netns, "gateway", join(folder, "gateway"), config, {
    options: ["--import", INSTRUMENT],
    environment: { JVPN_MEMORY: file },
    readyMsMax: START_MS_MAX,
  });
  const startMs = performance.now() - began;
  const memory = async (): Promise<Memory> => {
    rmSync(file, { force: true });
    if (node.pid === undefined) throw new Error("the gateway does not run");
    node.signal("SIGUSR2");
    return until("the gateway reports its memory", MEMORY_MS_MAX, () =>
      Promise.resolve(existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Memory) : undefined),
    );
  };
  return { node, publicKey, workers: (await node.sdk.status()).workers, startMs, memory };
}
