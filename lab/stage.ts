/**
 * The stage of a scenario: topology, gateway, client and instruments. When it opens, the session is ATTACHED and its
 * candidates are warm.
 */
import { cpSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SessionView } from "#kernel/contract/view";
import type { EventRecord } from "#sdk/index";
import type { Netns } from "./ip.ts";
import { Capture, type CaptureReport, Flow, type FlowReport, Transfer } from "./measure.ts";
import { CLIENT_INNER_V4, CLIENT_INNER_V6, makeKeys, type Node, type Plan, startClient, startGateway } from "./nodes.ts";
import { ROOT } from "./paths.ts";
import type { Scope } from "./scope.ts";
import { brokenChain, missingFrom } from "./story.ts";
import { GATEWAY_V4, GATEWAY_V6, INNER_POOLS, layOut, SERVER_V4, SERVER_V6, type Topology, type Uplink } from "./topology.ts";

/** Prefix of the name of everything that this process creates on the machine. */
export const PREFIX = `jvpn-${process.pid}-`;

export interface Setting {
  /** Uplinks of the client: eth0 (preferred), wlan0, wwan0. */
  readonly uplinks: readonly string[];
  readonly rttMs: number;
  readonly policy: string;
  /** Size and rate of the TCP transfer from the server to the client. */
  readonly transferBytes: number;
  readonly transferMbit: number;
  /** Longest duration of the 1 kHz flows, s. */
  readonly flowSeconds: number;
  /** Address family of the gateway's address and of the traffic inside; default 4. */
  readonly family?: 4 | 6;
  /** Features that both engines must not use: names of `[engine] disable`. */
  readonly disable?: readonly string[];
  /** Packet threads of the gateway; absent = the gateway chooses the number. */
  readonly workers?: number;
  /** Uplinks that the client is configured never to use. */
  readonly never?: readonly string[];
  /** Networks that the client reaches through the tunnel; absent = the pools and the server's network. */
  readonly routes?: readonly string[];
  /** If present, the uplinks end in a router that translates addresses, and this function sets its rules. */
  readonly nat?: Nat;
  /** All uplinks drop longer layer 3 packets silently from the start, bytes. */
  readonly mtu?: number;
  /** All packets on the uplinks are recorded from the start; `recording` returns the file. */
  readonly record?: boolean;
}

/** Rules of the router, put in place before the first packet. */
type Nat = (router: Netns) => Promise<void>;

export class Stage {
  readonly topology: Topology;
  readonly plan: Plan;
  readonly sessionId: string;
  readonly #setting: Setting;
  readonly #scope: Scope;
  #flows: { readonly up: Flow; readonly down: Flow } | null = null;
  #transfer: Transfer | null = null;
  #gateway: Node;
  #client: Node;
  readonly #uplinkCapture: Capture;
  #tunnelCapture: Capture | null = null;

  private constructor(
    scope: Scope,
    setting: Setting,
    topology: Topology,
    plan: Plan,
    gateway: Node,
    client: Node,
    capture: Capture,
    sessionId: string,
  ) {
    this.#scope = scope;
    this.#setting = setting;
    this.topology = topology;
    this.plan = plan;
    this.#gateway = gateway;
    this.#client = client;
    this.#uplinkCapture = capture;
    this.sessionId = sessionId;
  }

  /** The gateway of this moment: a restart replaces it. */
  get gateway(): Node {
    return this.#gateway;
  }

  /** The client of this moment: a restart replaces it. */
  get client(): Node {
    return this.#client;
  }

  static async open(scope: Scope, name: string, setting: Setting): Promise<Stage> {
    const folder = mkdtempSync(join(tmpdir(), `${PREFIX}${name}-`));
    scope.defer(`folder ${folder}`, () => {
      keepRecords(folder, name);
      rmSync(folder, { recursive: true, force: true });
    });
    const { policy, disable = [], never = [], workers, routes } = setting;
    const keys = await makeKeys(folder);
    const plan: Plan = {
      folder,
      keys,
      policy,
      disable,
      never,
      ...(workers === undefined ? {} : { workers }),
      ...(routes === undefined ? {} : { routes }),
    };
    const topology = await layOut(scope, `${PREFIX}${name}-`, setting.uplinks, setting.rttMs, setting.nat !== undefined);
    await setting.nat?.(topology.access);
    for (const uplink of topology.uplinks) await uplink.impair("both", { mtu: setting.mtu ?? null });
    const file = setting.record === true ? recordingIn(folder) : undefined;
    const capture = await Capture.start(scope, topology.client, setting.uplinks, INNER_POOLS, file);
    const gateway = await startGateway(scope, topology.gateway, plan);
    const client = await startClient(scope, topology.client, plan, gatewayAddress(setting));
    const usableMin = setting.uplinks.length - never.length;
    const session = await until("the session is ATTACHED and every uplink is a validated path", 20_000, async () => {
      const { view, tunnel } = await client.sdk.status();
      const attached = view.sessions.find(({ state }) => state === "ATTACHED" && tunnel.state === "configured");
      const usable = attached?.paths.filter(({ role }) => role === "active" || role === "warm").length ?? 0;
      return usable === usableMin ? attached : undefined;
    });
    return new Stage(scope, setting, topology, plan, gateway, client, capture, session.id);
  }

  /** Starts the instruments: both flows, the transfer, the capture inside the tunnel. */
  async startTraffic(): Promise<void> {
    const { client, server } = this.topology;
    const inner = this.#setting.family === 6 ? CLIENT_INNER_V6 : CLIENT_INNER_V4;
    this.#tunnelCapture = await Capture.start(this.#scope, client, ["jvpn0"], []);
    this.#flows = {
      up: await Flow.start(this.#scope, client, server, this.server, 7_001, this.#setting.flowSeconds),
      down: await Flow.start(this.#scope, server, client, inner, 7_002, this.#setting.flowSeconds),
    };
    this.#transfer = await Transfer.start(
      this.#scope,
      server,
      client,
      this.server,
      this.#setting.transferBytes,
      this.#setting.transferMbit,
    );
    await until("traffic flows in both directions", 5_000, async () => {
      const now = await this.nowUs();
      const seen = await this.flowReport(now - 500_000, now);
      return seen.received > 400 ? true : undefined;
    });
  }

  /** The server's address behind the gateway. */
  get server(): string {
    return this.#setting.family === 6 ? SERVER_V6 : SERVER_V4;
  }

  get scope(): Scope {
    return this.#scope;
  }

  /** Starts a new client in the place of one that has ended. */
  async restartClient(): Promise<void> {
    this.#client = await startClient(this.#scope, this.topology.client, this.plan, gatewayAddress(this.#setting));
  }

  async restartGateway(): Promise<void> {
    this.#gateway = await startGateway(this.#scope, this.topology.gateway, this.plan);
  }

  /** Ends the recording of the uplinks and returns its file. The counts of `captured` end with it. */
  async recording(): Promise<string> {
    await this.#uplinkCapture.stop();
    return recordingIn(this.plan.folder);
  }

  get transfer(): Transfer {
    if (this.#transfer === null) throw new Error("traffic was not started");
    return this.#transfer;
  }

  uplink(name: string): Uplink {
    const found = this.topology.uplinks.find((uplink) => uplink.name === name);
    if (found === undefined) throw new Error(`no uplink ${name}`);
    return found;
  }

  nowUs(): Promise<number> {
    const [first] = this.topology.uplinks;
    if (first === undefined) throw new Error("a stage has at least one uplink");
    return first.now();
  }

  /** Gaps of the worse direction and counts of both, between two times of the boot clock (µs). */
  async flowReport(fromUs: number, toUs: number): Promise<Omit<FlowReport, "duplicates">> {
    if (this.#flows === null) throw new Error("traffic was not started");
    const both = [await this.#flows.up.report(fromUs, toUs), await this.#flows.down.report(fromUs, toUs)];
    const ends = both.map(({ gapOverMs }) => gapOverMs);
    return {
      gapMs: Math.max(...both.map(({ gapMs }) => gapMs)),
      lost: both.reduce((sum, { lost }) => sum + lost, 0),
      received: Math.min(...both.map(({ received }) => received)),
      gapOverMs: ends.some((end) => end === null) ? null : Math.max(...ends.map((end) => end ?? 0)),
    };
  }

  /** Counts of what was captured: handshakes, connections, resets, and unencrypted inner packets on the uplinks. */
  async captured(): Promise<CaptureReport> {
    const outer = await this.#uplinkCapture.report();
    const inner = await this.#tunnelCapture?.report();
    return {
      handshakes: outer.handshakes,
      connections: inner?.connections ?? 0,
      resets: inner?.resets ?? 0,
      clear: outer.clear,
      complete: outer.complete && inner?.complete !== false,
    };
  }

  /** The client's newest session. */
  async session(): Promise<SessionView | undefined> {
    const { sessions } = (await this.client.sdk.status()).view;
    return sessions.toSorted((a, b) => a.bornAtBootMs - b.bornAtBootMs).at(-1);
  }

  /** The label of the active path, such as `eth0/udp4`. */
  async activePath(): Promise<string | null> {
    const session = await this.session();
    return session?.paths.find(({ role }) => role === "active")?.label ?? null;
  }

  /** Waits until a session after the first one is ATTACHED, and returns it. */
  async nextSession(limitMs: number): Promise<SessionView> {
    const next = await until("a new session is ATTACHED", limitMs, async () => {
      const session = await this.session();
      return session?.state === "ATTACHED" && session.id !== this.sessionId ? session : undefined;
    });
    await this.#written();
    return next;
  }

  async untilOn(interfaceName: string, limitMs: number): Promise<void> {
    await until(`the session is ATTACHED on ${interfaceName}`, limitMs, async () => {
      const session = await this.session();
      const active = session?.paths.find(({ role }) => role === "active");
      return session?.state === "ATTACHED" && active?.label.startsWith(`${interfaceName}/`) ? true : undefined;
    });
    await this.#written();
  }

  async untilWarm(interfaceName: string, limitMs: number): Promise<void> {
    await until(`${interfaceName} is a warm standby`, limitMs, async () => {
      const session = await this.session();
      return session?.paths.some(({ label, role }) => role === "warm" && label.startsWith(`${interfaceName}/`))
        ? true
        : undefined;
    });
  }

  async untilState(state: SessionView["state"], limitMs: number): Promise<void> {
    await until(`the session is ${state}`, limitMs, async () => {
      return (await this.client.sdk.status()).view.sessions.some(
        (session) => session.id === this.sessionId && session.state === state,
      )
        ? true
        : undefined;
    });
    await this.#written();
  }

  /** Waits until all records that the client's status counts are on disk. */
  async #written(): Promise<void> {
    const { lastSeq } = (await this.client.sdk.status()).record;
    await until(`record ${lastSeq} is written`, 5_000, async () => (this.mark() >= lastSeq ? true : undefined));
  }

  /** Sequence number of the client's newest event, for `lacksSince` and `eventsSince`. */
  mark(): number {
    return this.client.events().at(-1)?.seq ?? 0;
  }

  /** First line of the story that the client's record lacks after a mark; `null` = the story is complete. */
  lacksSince(mark: number, story: readonly string[]): string | null {
    return missingFrom(this.eventsSince(mark), story);
  }

  eventsSince(mark: number): readonly EventRecord[] {
    return this.client.events().filter(({ seq }) => seq > mark);
  }

  chainBroken(): string | null {
    return brokenChain(this.client.events(), this.sessionId);
  }
}

function recordingIn(folder: string): string {
  return join(folder, "uplinks.pcap");
}

function gatewayAddress({ family }: Setting): string {
  return family === 6 ? GATEWAY_V6 : GATEWAY_V4;
}

/**
 * Copies configuration, logs and records to `build/lab/records/<name>`, in place of those of the scenario's last run.
 * Keys and sockets are not copied.
 */
function keepRecords(folder: string, name: string): void {
  const kept = join(ROOT, "build", "lab", "records", name);
  rmSync(kept, { recursive: true, force: true });
  cpSync(folder, kept, { recursive: true, filter: (path) => statSync(path).isDirectory() || /\.(toml|log|jsonl)$/.test(path) });
}

/** Calls `ask` until its answer is not `undefined`, and returns the answer. Throws after `limitMs`, naming `what`. */
export async function until<T>(what: string, limitMs: number, ask: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await elapse(20);
  }
}

/** Lets scenario time pass, such as the duration of a fault. Use `until` to wait for a result. */
export function elapse(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
