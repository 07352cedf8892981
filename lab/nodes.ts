/** Real gateways and clients: the daemon runs in a namespace, with its own files, sockets and keys. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Control, type EventRecord } from "#sdk/index";
import { command, type Netns } from "./ip.ts";
import { CLI, DAEMON } from "./paths.ts";
import type { Scope } from "./scope.ts";
import { GATEWAY_V4, INNER_POOLS } from "./topology.ts";

export const CLIENT_INNER_V4 = "10.80.0.14";
export const CLIENT_INNER_V6 = "fd80::14";
const PORT = 4774;
const READY_MS_MAX = 15_000;

interface Keys {
  readonly gateway: { readonly file: string; readonly public: string };
  readonly client: { readonly file: string; readonly public: string };
}

/** Makes a key pair for each side with the product's own command. */
export async function makeKeys(folder: string): Promise<Keys> {
  const one = async (name: string): Promise<{ file: string; public: string }> => {
    const file = join(folder, `${name}.key`);
    const printed = await command(process.execPath, [CLI, "genkey", file, "--json"]);
    return { file, public: (JSON.parse(printed) as { publicKey: string }).publicKey };
  };
  return { gateway: await one("gateway"), client: await one("client") };
}

export interface CliAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Settings for a daemon that cannot be started in the usual way. */
interface Start {
  /** Options of Node.js in addition to those that the program sets itself. */
  readonly options?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Longest wait until the control socket answers, ms. */
  readonly readyMsMax?: number;
}

/** One running daemon. */
export class Node {
  readonly sdk: Control;
  readonly #child: ChildProcess;
  readonly #events: string;
  readonly #log: string;
  readonly #socket: string;

  private constructor(child: ChildProcess, socket: string, events: string, log: string) {
    this.#child = child;
    this.#socket = socket;
    this.#events = events;
    this.#log = log;
    this.sdk = new Control({ socket });
  }

  /** Starts `jvpnd <role>` and waits until its control socket answers. */
  static async start(
    scope: Scope,
    netns: Netns,
    role: "gateway" | "client",
    folder: string,
    config: string,
    { options = [], environment = {}, readyMsMax = READY_MS_MAX }: Start = {},
  ): Promise<Node> {
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `${role}.toml`);
    writeFileSync(file, config);
    const at = {
      socket: join(folder, "control.sock"),
      state: join(folder, "state"),
      events: join(folder, "events.jsonl"),
      log: join(folder, "daemon.log"),
    };
    const words = [role, "--config", file, "--socket", at.socket, "--state", at.state, "--events", at.events];
    const { file: command, args } = netns.inside(DAEMON, words);
    const log = openSync(at.log, "a");
    const env = {
      ...process.env,
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
      // Each option is quoted, because a folder's name may contain a space.
      NODE_OPTIONS: ["--enable-source-maps", ...options].map((option) => JSON.stringify(option)).join(" "),
      ...environment,
    };
    const child = spawn(command, args, { stdio: ["ignore", log, log], detached: true, env });
    const node = new Node(child, at.socket, at.events, at.log);
    scope.defer(`process ${child.pid} (jvpnd ${role})`, () => node.stop());
    await node.#ready(readyMsMax);
    return node;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Sends the daemon `signal`, as an operator would. After 5 s it is killed. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, "exit");
    this.#child.kill(signal);
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 5_000);
    await exit;
    clearTimeout(timer);
  }

  /** Ends the daemon like a power cut: it cannot close its sessions and cannot clean up. */
  async kill(): Promise<void> {
    const exit = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exit;
  }

  /** Makes the daemon reload its configuration and policy. */
  reload(): void {
    this.signal("SIGHUP");
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** All events in the daemon's record, in order, also those before a restart. An incomplete last line is left out. */
  events(): EventRecord[] {
    return readFileSync(this.#events, "utf8")
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as EventRecord);
  }

  /** Runs the real command-line program against this daemon. */
  async cli(...words: readonly string[]): Promise<CliAnswer> {
    const child = spawn(process.execPath, [CLI, ...words, "--socket", this.#socket], { stdio: ["ignore", "pipe", "pipe"] });
    const out = { stdout: "", stderr: "" };
    child.stdout.on("data", (chunk: Buffer) => (out.stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (out.stderr += chunk.toString()));
    const [code] = (await once(child, "close")) as [number | null];
    return { code: code ?? -1, ...out };
  }

  async #ready(limitMs: number): Promise<void> {
    const until = performance.now() + limitMs;
    while (performance.now() < until) {
      if (this.#child.exitCode !== null) break;
      const answers = await this.sdk.status().then(
        () => true,
        () => false,
      );
      if (answers) return;
      await new Promise((wake) => setTimeout(wake, 25));
    }
    throw new Error(`the daemon did not come up; its log ends with:\n${readFileSync(this.#log, "utf8").slice(-2_000)}`);
  }
}

export interface Plan {
  /** Text of policy.toml; it always has the schema line and a preset. */
  readonly policy: string;
  readonly keys: Keys;
  readonly folder: string;
  /** Features that both engines must not use: names of `[engine] disable`. */
  readonly disable?: readonly string[];
  /** Packet threads of the gateway; absent = the gateway chooses the number. */
  readonly workers?: number;
  /** Inner MTU of both ends; absent = the product's default. The policy limits it separately. */
  readonly mtu?: number;
  /** Path of another build of the engine. */
  readonly engine?: string;
  /** Uplinks that the client is configured never to use. */
  readonly never?: readonly string[];
  /** Networks that the client reaches through the tunnel; absent = those of the usual topology. */
  readonly routes?: readonly string[];
}

const ROUTES: readonly string[] = ["10.80.0.0/16", "10.90.0.0/24", "fd80::/64", "fd90::/64"];

/** Writes a policy beside the gateway's configuration, where the daemon looks for it. */
export function writePolicy(plan: Plan, text: string): void {
  writeFileSync(join(plan.folder, "gateway", "policy.toml"), text);
}

export async function startGateway(scope: Scope, netns: Netns, plan: Plan): Promise<Node> {
  const folder = join(plan.folder, "gateway");
  mkdirSync(folder, { recursive: true });
  writePolicy(plan, plan.policy);
  return Node.start(
    scope,
    netns,
    "gateway",
    folder,
    `[gateway]
listen = ["0.0.0.0:${PORT}", "[::]:${PORT}"]
identity = "${plan.keys.gateway.file}"
pools = [${INNER_POOLS.map((pool) => `"${pool}"`).join(", ")}]
masquerade = false
workers = ${plan.workers ?? '"auto"'}

[[client]]
name = "van-12"
key = "${plan.keys.client.public}"
address = ["${CLIENT_INNER_V4}", "${CLIENT_INNER_V6}"]

[tunnel]
interface = "jvpn0"
${mtuLine(plan)}${engineTable(plan)}`,
    plan.engine === undefined ? {} : { environment: { JVPN_ENGINE: plan.engine } },
  );
}

export async function startClient(scope: Scope, netns: Netns, plan: Plan, gateway = GATEWAY_V4): Promise<Node> {
  const address = gateway.includes(":") ? `[${gateway}]:${PORT}` : `${gateway}:${PORT}`;
  return Node.start(
    scope,
    netns,
    "client",
    join(plan.folder, "client"),
    `[client]
identity = "${plan.keys.client.file}"
reconnect = true

[[gateway]]
name = "fra-2"
address = ["${address}"]
key = "${plan.keys.gateway.public}"

[tunnel]
interface = "jvpn0"
routes = ${JSON.stringify(plan.routes ?? ROUTES)}
${mtuLine(plan)}
${PRIORITIES.map(([name, priority]) => pathRule(name, plan.never?.includes(name) ? "never" : priority)).join("\n")}
${engineTable(plan)}`,
    plan.engine === undefined ? {} : { environment: { JVPN_ENGINE: plan.engine } },
  );
}

const PRIORITIES = [
  ["eth0", "primary"],
  ["wlan0", "secondary"],
  ["wwan0", "backup"],
] as const;

function pathRule(name: string, priority: string): string {
  return `[[path]]\nmatch = { interface = "${name}" }\npriority = "${priority}"\n`;
}

function mtuLine({ mtu }: Plan): string {
  return mtu === undefined ? "" : `mtu = ${mtu}\n`;
}

function engineTable({ disable = [] }: Plan): string {
  return disable.length === 0 ? "" : `\n[engine]\ndisable = [${disable.map((name) => `"${name}"`).join(", ")}]\n`;
}
