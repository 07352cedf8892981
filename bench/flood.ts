/**
 * What a flood of handshakes costs those inside. Everybody on the internet who knows a gateway's address and public key
 * can send INITs that pass every check that needs no key. Here they come from invented addresses.
 *
 * ```text
 *   processor 0          │ processor 1
 *   the gateway          │ client, flood, honest new clients, tools
 * ```
 *
 * The yardstick is the same flood against a port of the same machine at which nobody listens: what is slower then is
 * the price of the kernel and of the shared processor, not of the gateway.
 */
import { join } from "node:path";
import { command } from "#lab/ip";
import { provenance } from "#lab/machine";
import { makeKeys, type Node, startClient } from "#lab/nodes";
import { ROOT } from "#lab/paths";
import type { Scope } from "#lab/scope";
import { elapse, until } from "#lab/stage";
import { type Interval, interval } from "#lab/statistics";
import { Tool } from "#lab/tool";
import { type Benchmark, inScope, type Progress, type Result } from "./benchmark.ts";
import { layGround, makeFolder } from "./ground.ts";
import { numberOf, oneOf, wholeNumberOf } from "./options.ts";
import { buildCrowd, Crowd } from "./scale/crowd.ts";
import { GATEWAY_INNER, type Gateway, startCrowdedGateway } from "./scale/gateway.ts";

const FLOOD = join(ROOT, "engine", "target", "release", "jvpn-flood");
/** Invented source addresses of the flood. */
const INVENTED = "172.16.0.0/12";
const PORT = 4_774;
const DEAD_PORT = 4_775;
const RATE_MAX = 1_000_000;
const TOOLS = { flow: 7_501, echo: 7_502, tcp: 7_503 } as const;
/** 50 Mbit/s of packets of 1,372 bytes. */
const FLOW = { rate: 4_555, bytes: 1_372 } as const;
const PINGS_PER_SECOND = 100;
/** Honest clients that come new during one slice, and how fast. */
const JOINS = 60;
const JOINS_PER_SECOND = 20;
/** Time for the flood to reach its rate before anything is counted, s. */
const WARM_UP_SECONDS = 1;
const ENDLESS_BYTES = 1e12;
const MAC2 = ["none", "forged"] as const;

type Target = "gateway" | "dead port";

interface Slice {
  readonly round: number;
  readonly target: Target;
  /** INITs of the flood for each second. */
  readonly perSecond: number;
  /** Share of the packets of a flow of 50 Mbit/s that were lost. */
  readonly udpLoss: number;
  readonly pings: { readonly lost: number; readonly p50Ms: number; readonly p99Ms: number };
  /** Honest new clients while there is little traffic; `null` at the dead port. */
  readonly join: Joined | null;
  /** Inner TCP from the gateway to the client, and the other way, Gbit/s. */
  readonly downGbps: number;
  readonly upGbps: number;
  /** Honest new clients while TCP takes all of the packet thread's time. */
  readonly joinBesideTcp: Joined | null;
}

interface Joined {
  /** Share of the clients that were attached before their time was over. */
  readonly share: number;
  readonly p50Ms: number;
  readonly maxMs: number;
}

export interface FloodResult extends Result {
  readonly name: "flood";
  readonly options: { readonly rate: number; readonly mac2: (typeof MAC2)[number]; readonly seconds: number };
  readonly perSecond: Interval;
  readonly udpLoss: Interval;
  readonly pingP99Ms: Interval;
  readonly joined: Interval;
  readonly joinedBesideTcp: Interval;
  readonly joinP50Ms: Interval;
  /** TCP under the flood to the gateway, as a share of TCP under the flood to the dead port. */
  readonly downRatio: Interval;
  readonly upRatio: Interval;
  /** Whether the client that carried the traffic kept its session; sessions that ended at the gateway, by reason. */
  readonly kept: boolean;
  readonly ended: Readonly<Record<string, number>>;
  readonly raw: readonly Slice[];
}

export const FLOOD_BENCHMARK: Benchmark = {
  usage: "[--rate 100000] [--mac2 none|forged] [--rounds 5] [--seconds 5]",
  options: ["rate", "mac2", "rounds", "seconds"],
  plan(words) {
    const rate = wholeNumberOf(words, "rate", 100_000, 1_000, RATE_MAX);
    const mac2 = oneOf(words, "mac2", "none", MAC2);
    const rounds = wholeNumberOf(words, "rounds", 5, 1, 50);
    const seconds = numberOf(words, "seconds", 5, JOINS / JOINS_PER_SECOND + 1, 30);
    const options = { rate, mac2, seconds };
    return {
      file: `flood-${mac2}-${rate}`,
      run: (progress) => inScope((scope) => measure(scope, options, rounds, progress), summarize),
    };
  },
};

/** What is there during all slices. */
interface Scene {
  readonly scope: Scope;
  readonly ground: Awaited<ReturnType<typeof layGround>>;
  readonly gateway: Gateway;
  readonly crowd: Crowd;
  readonly options: FloodResult["options"];
}

async function measure(scope: Scope, options: FloodResult["options"], rounds: number, progress: Progress): Promise<FloodResult> {
  await buildCrowd();
  // Whatever is started from here on inherits this.
  await confine(process.pid, 1);
  const ground = await layGround(scope, "flood", "ipv4");
  const folder = makeFolder(scope, "flood");
  const keys = await makeKeys(folder);
  const crowd = await Crowd.start(scope, ground, 2 * JOINS * rounds);
  await ground.gateway.ip(`route add ${INVENTED} via ${ground.clientOuter}`);
  const address = `${ground.gatewayOuter}:${PORT}`;
  const gateway = await startCrowdedGateway(scope, ground.gateway, ground.folder, {
    address,
    keys: [keys.client.public, ...crowd.keys],
    workers: 1,
  });
  if (gateway.node.pid === undefined) throw new Error("the gateway does not run");
  await confine(gateway.node.pid, 0);
  const client = await startClient(
    scope,
    ground.client,
    {
      folder,
      keys: { client: keys.client, gateway: { file: "", public: gateway.publicKey } },
      policy: "",
      never: ["wlan0"],
      routes: ["10.64.0.0/14"],
    },
    ground.gatewayOuter,
  );
  const session = await until("the client is ATTACHED", 15_000, () => attached(client));
  const serve = (tool: string, port: number): Promise<Tool> =>
    Tool.start(scope, ground.gateway, [tool, "serve", "--bind", `0.0.0.0:${port}`]);
  await serve("echo", TOOLS.echo);
  await serve("tcp", TOOLS.tcp);

  const scene: Scene = { scope, ground, gateway, crowd, options };
  const raw: Slice[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const order: readonly Target[] = round % 2 === 0 ? ["gateway", "dead port"] : ["dead port", "gateway"];
    for (const target of order) {
      const slice = await play(scene, target, round);
      raw.push(slice);
      progress(`round ${round + 1}/${rounds}: ${JSON.stringify({ ...slice, round: undefined })}`);
    }
  }
  return {
    schema: "jumping-vpn/bench/v1",
    name: "flood",
    options,
    ...summary(raw),
    kept: (await attached(client)) === session,
    ended: endings(gateway.node),
    machine: provenance(),
    raw,
  };
}

async function attached(client: Node): Promise<string | undefined> {
  return (await client.sdk.status()).view.sessions.find(({ state }) => state === "ATTACHED")?.id;
}

function endings(gateway: Node): Readonly<Record<string, number>> {
  const reasons = gateway.events().filter(({ type, to }) => type === "SessionStateChange" && to === "TERMINATED");
  const counts = new Map<string, number>();
  for (const { reason } of reasons) counts.set(`${reason}`, (counts.get(`${reason}`) ?? 0) + 1);
  return Object.fromEntries(counts);
}

async function confine(pid: number, processor: number): Promise<void> {
  await command("taskset", ["--all-tasks", "--cpu-list", "--pid", `${processor}`, `${pid}`]);
}

async function play(scene: Scene, target: Target, round: number): Promise<Slice> {
  const { seconds } = scene.options;
  const quiet = await underFlood(scene, target, seconds, async () => {
    const [udpLoss, pings, join] = await Promise.all([
      flow(scene, seconds),
      pinging(scene, seconds),
      target === "gateway" ? joining(scene, 2 * round, seconds) : null,
    ]);
    return { udpLoss, pings, join };
  });
  const busy = await underFlood(scene, target, 2 * seconds, async () => {
    const downGbps = await stream(scene, "fetch", seconds);
    const [upGbps, joinBesideTcp] = await Promise.all([
      stream(scene, "push", seconds),
      target === "gateway" ? joining(scene, 2 * round + 1, seconds) : null,
    ]);
    return { downGbps, upGbps, joinBesideTcp };
  });
  return { round, target, perSecond: (quiet.perSecond + busy.perSecond) / 2, ...quiet.seen, ...busy.seen };
}

/** Runs `body`, which lasts `seconds`, under the flood. */
async function underFlood<T>(
  { scope, ground, gateway, options: { rate, mac2 } }: Scene,
  target: Target,
  seconds: number,
  body: () => Promise<T>,
): Promise<{ readonly seen: T; readonly perSecond: number }> {
  const lasts = Math.ceil(seconds) + 2 * WARM_UP_SECONDS;
  const to = `${ground.gatewayOuter}:${target === "gateway" ? PORT : DEAD_PORT}`;
  const words = ["--to", to, "--key", gateway.publicKey, "--rate", `${rate}`, "--seconds", `${lasts}`, "--mac2", mac2];
  const flood = await Tool.startProgram(scope, ground.client, "jvpn-flood", FLOOD, words);
  await elapse(WARM_UP_SECONDS * 1_000);
  const seen = await body();
  const { sent } = (await flood.next(lasts * 1_000)) as { sent: number };
  return { seen, perSecond: sent / lasts };
}

async function flow({ scope, ground }: Scene, seconds: number): Promise<number> {
  const at = `${GATEWAY_INNER}:${TOOLS.flow}`;
  const receiver = await Tool.start(scope, ground.gateway, ["flow", "recv", "--bind", at]);
  const words = ["flow", "send", "--to", at, "--rate", `${FLOW.rate}`, "--seconds", `${seconds}`, "--size", `${FLOW.bytes}`];
  const sender = await Tool.start(scope, ground.client, words, false);
  await sender.next(seconds * 4_000 + 10_000);
  const { received, lost } = (await receiver.ask({ op: "report" })) as { received: number; lost: number };
  await sender.stop();
  await receiver.stop();
  return received + lost === 0 ? 1 : lost / (received + lost);
}

async function pinging({ scope, ground }: Scene, seconds: number): Promise<Slice["pings"]> {
  const words = ["echo", "run", "--to", `${GATEWAY_INNER}:${TOOLS.echo}`, "--rate", `${PINGS_PER_SECOND}`, "--size", "64"];
  const echo = await Tool.start(scope, ground.client, words);
  await elapse(seconds * 1_000);
  const { lost, delayUs } = (await echo.ask({ op: "report" })) as { lost: number; delayUs: { p50: number; p99: number } };
  await echo.stop();
  return { lost, p50Ms: delayUs.p50 / 1_000, p99Ms: delayUs.p99 / 1_000 };
}

/** The clients of one turn dial and attach. Those of the turn before that are late join meanwhile, and are no gain. */
async function joining({ crowd, ground, gateway }: Scene, turn: number, seconds: number): Promise<Joined> {
  const how = { clients: JOINS * (turn + 1), perSecond: JOINS_PER_SECOND, limitMs: Math.round(seconds * 1_000) };
  const { done, tookUs } = await crowd.tryToJoin(`${ground.gatewayOuter}:${PORT}`, gateway.publicKey, how);
  return { share: Math.min(1, done / JOINS), p50Ms: tookUs.p50 / 1_000, maxMs: tookUs.max / 1_000 };
}

async function stream({ scope, ground }: Scene, mode: "fetch" | "push", seconds: number): Promise<number> {
  const words = ["tcp", mode, "--to", `${GATEWAY_INNER}:${TOOLS.tcp}`, "--bytes", `${ENDLESS_BYTES}`, "--hash", "off"];
  const end = await Tool.start(scope, ground.client, words, false);
  const progress = async (): Promise<{ bytes: number; boot_us: number }> =>
    (await end.ask({ op: "progress" })) as unknown as { bytes: number; boot_us: number };
  await elapse(WARM_UP_SECONDS * 500);
  const from = await progress();
  await elapse((seconds - WARM_UP_SECONDS / 2) * 1_000);
  const to = await progress();
  await end.stop();
  return ((to.bytes - from.bytes) * 8_000) / (to.boot_us - from.boot_us) / 1e6;
}

function summary(raw: readonly Slice[]): Omit<FloodResult, keyof Result | "options" | "kept" | "ended"> {
  const at = (target: Target): readonly Slice[] =>
    raw.filter((slice) => slice.target === target).sort((a, b) => a.round - b.round);
  const [gateway, dead] = [at("gateway"), at("dead port")];
  const ratio = (of: (slice: Slice) => number): Interval =>
    interval(gateway.map((slice, index) => of(slice) / of(dead[index] ?? slice)));
  return {
    perSecond: interval(gateway.map(({ perSecond }) => perSecond)),
    udpLoss: interval(gateway.map(({ udpLoss }) => udpLoss)),
    pingP99Ms: interval(gateway.map(({ pings }) => pings.p99Ms)),
    joined: interval(gateway.map(({ join }) => join?.share ?? 0)),
    joinedBesideTcp: interval(gateway.map(({ joinBesideTcp }) => joinBesideTcp?.share ?? 0)),
    joinP50Ms: interval(gateway.map(({ join }) => join?.p50Ms ?? Number.NaN)),
    downRatio: ratio(({ downGbps }) => downGbps),
    upRatio: ratio(({ upGbps }) => upGbps),
  };
}

function summarize(result: FloodResult): string {
  const percent = ({ median }: Interval): string => `${(median * 100).toFixed(2)} %`;
  const { perSecond, udpLoss, pingP99Ms, joined, joinedBesideTcp, joinP50Ms, downRatio, upRatio, kept, ended } = result;
  return `${(perSecond.median / 1_000).toFixed(0)} k INITs/s: UDP at 50 Mbit/s loses ${percent(udpLoss)}, pings p99 ${pingP99Ms.median.toFixed(1)} ms
honest new clients: ${percent(joined)} attached, p50 ${joinP50Ms.median.toFixed(0)} ms; beside TCP at full speed: ${percent(joinedBesideTcp)}
TCP, as a share of the same flood to a dead port: ${percent(downRatio)} from the gateway, ${percent(upRatio)} to it
the client kept its session: ${kept ? "yes" : "no"}; sessions that ended: ${JSON.stringify(ended)}
`;
}
