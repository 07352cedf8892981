/**
 * The network in which fail-over is measured: a client with two emulated links, a gateway, a server behind it, and a
 * continuous 1 kHz flow in each direction. All trials of a kind use the same topology. Each trial has a new session.
 */
import { join } from "node:path";
import type { SessionView } from "#kernel/contract/view";
import { Flow, type FlowReport } from "#lab/measure";
import { CLIENT_INNER_V4, makeKeys, type Node, startClient, startGateway } from "#lab/nodes";
import type { Scope } from "#lab/scope";
import { PREFIX, until } from "#lab/stage";
import { Tool } from "#lab/tool";
import { layOut, SERVER_V4, type Topology, type Uplink } from "#lab/topology";
import { makeFolder } from "../ground.ts";

export const LIVENESS = ["realtime", "normal", "saver"] as const;
export type Liveness = (typeof LIVENESS)[number];

/** The settings that a kind of trial needs. */
export interface FieldPlan {
  readonly rttMs: number;
  readonly liveness: Liveness;
  /** `bench` permits frequent switches; `standard` limits them. */
  readonly preset: "standard" | "bench";
  readonly mode: "failover" | "redundant";
}

const LINKS = ["eth0", "wlan0"] as const;
/** Longer than any measurement. The scope ends the flows. */
const ENDLESS_SECONDS = 86_400;
const ENDLESS_BYTES = 1e12;
const TCP_PORT = 7_100;
/** Packets of each flow that must arrive within 200 ms before a trial begins. */
const FLOWING_MIN = 150;
const FLOWING_WINDOW_US = 200_000;
const ASK_EACH_MS = 60;

/** Text of policy.toml. */
export function policyText({ liveness, preset, mode }: FieldPlan): string {
  const switching = mode === "failover" ? "" : `[switch]\nmode = "${mode}"\n`;
  return `schema = "jumping-vpn/policy/v1"\nname = "failover"\npreset = "${preset}"\n[volatile]\nliveness = "${liveness}"\n${switching}`;
}

/** The fields of a TCP receiver's progress report that are used here. */
interface TcpProgress {
  readonly bytes: number;
  readonly stalls: {
    readonly listed: readonly { readonly us: number; readonly startUs: number }[];
    readonly lastProgressUs: number;
  };
}

export class Field {
  readonly plan: FieldPlan;
  readonly uplinks: readonly Uplink[];
  readonly client: Node;
  readonly #scope: Scope;
  readonly #topology: Topology;
  #flows: { readonly up: Flow; readonly down: Flow } | null = null;
  #tcpServed = false;
  #sessionId: string | null = null;

  private constructor(scope: Scope, plan: FieldPlan, topology: Topology, client: Node) {
    this.#scope = scope;
    this.plan = plan;
    this.#topology = topology;
    this.uplinks = topology.uplinks;
    this.client = client;
  }

  /** `name` must be unique among the fields of one process. */
  static async open(scope: Scope, name: string, plan: FieldPlan): Promise<Field> {
    const folder = makeFolder(scope, "failover");
    const topology = await layOut(scope, `${PREFIX}${name}-`, LINKS, plan.rttMs);
    const files = { folder: join(folder, "nodes"), keys: await makeKeys(folder), policy: policyText(plan) };
    await startGateway(scope, topology.gateway, files);
    const client = await startClient(scope, topology.client, files);
    const field = new Field(scope, plan, topology, client);
    await field.#attached(LINKS.length);
    field.#flows = {
      up: await Flow.start(scope, topology.client, topology.server, SERVER_V4, 7_001, ENDLESS_SECONDS),
      down: await Flow.start(scope, topology.server, topology.client, CLIENT_INNER_V4, 7_002, ENDLESS_SECONDS),
    };
    return field;
  }

  /**
   * Ends the session and makes the client dial again. Returns when `paths` paths are validated and both flows arrive.
   */
  async freshSession(paths = LINKS.length): Promise<SessionView> {
    const { sdk, pid } = this.client;
    if (this.#sessionId !== null && pid !== undefined) {
      const old = this.#sessionId;
      await sdk.terminate(old, "bench: the next trial");
      await until("the old session is TERMINATED", 5_000, async () => {
        const found = (await sdk.status()).view.sessions.find(({ id }) => id === old);
        return found === undefined || found.state === "TERMINATED" ? true : undefined;
      });
      // After an operator's termination the client does not dial until it reloads its configuration.
      process.kill(pid, "SIGHUP");
    }
    const session = await this.#attached(paths);
    await this.flowing();
    return session;
  }

  /**
   * Waits until both flows arrive completely. The window starts now, so that packets of an older session do not count.
   */
  async flowing(): Promise<void> {
    const sinceUs = await this.nowUs();
    await until("both flows arrive", 15_000, async () => {
      const now = await this.nowUs();
      if (now < sinceUs + FLOWING_WINDOW_US) return undefined;
      const { received } = await this.report(now - FLOWING_WINDOW_US, now);
      return received >= FLOWING_MIN ? true : undefined;
    });
  }

  async #attached(paths: number): Promise<SessionView> {
    const session = await until(`a new session is ATTACHED with ${paths} validated paths`, 30_000, async () => {
      const { sessions } = (await this.client.sdk.status()).view;
      return sessions.find(
        (one) => one.id !== this.#sessionId && one.state === "ATTACHED" && usable(one) === paths && one.active !== null,
      );
    });
    this.#sessionId = session.id;
    return session;
  }

  async session(): Promise<SessionView | undefined> {
    return (await this.client.sdk.status()).view.sessions.find(({ id }) => id === this.#sessionId);
  }

  uplink(name: string): Uplink {
    const found = this.uplinks.find((uplink) => uplink.name === name);
    if (found === undefined) throw new Error(`no uplink ${name}`);
    return found;
  }

  /**
   * Waits until the session is ATTACHED over this link. Returns false after `limitMs`. It polls rarely, because each
   * poll delays the daemon whose speed is measured.
   */
  async arrives(link: string, limitMs: number): Promise<boolean> {
    const end = performance.now() + limitMs;
    while (performance.now() < end) {
      await new Promise((wake) => setTimeout(wake, ASK_EACH_MS));
      const session = await this.session();
      if (session?.state === "ATTACHED" && activeLink(session) === link) return true;
    }
    return false;
  }

  nowUs(): Promise<number> {
    const [first] = this.uplinks;
    if (first === undefined) throw new Error("a field has two uplinks");
    return first.now();
  }

  /**
   * Gap of the worse direction and losses of both, between two times of the boot clock (µs). A gap of `null` had not
   * ended.
   */
  async report(fromUs: number, toUs: number): Promise<{ gapMs: number | null; lost: number; received: number }> {
    if (this.#flows === null) throw new Error("the flows were not started");
    const { up, down } = this.#flows;
    const both: FlowReport[] = await Promise.all([up.report(fromUs, toUs), down.report(fromUs, toUs)]);
    const open = both.some(({ gapOverMs, gapMs }) => gapOverMs === null && gapMs > OPEN_GAP_MS);
    return {
      gapMs: open ? null : Math.max(...both.map(({ gapMs }) => gapMs)),
      lost: both.reduce((sum, { lost }) => sum + lost, 0),
      received: Math.min(...both.map(({ received }) => received)),
    };
  }

  /** The report since `fromUs`, made when no gap is open. `gapMs` is `null` if a gap is still open after `limitMs`. */
  async closedReport(fromUs: number, limitMs: number): Promise<{ gapMs: number | null; lost: number }> {
    const end = performance.now() + limitMs;
    for (;;) {
      const seen = await this.report(fromUs, await this.nowUs());
      if (seen.gapMs !== null || performance.now() > end) return seen;
      await new Promise((wake) => setTimeout(wake, 50));
    }
  }

  /** Time from `fromUs` to the end of the gap around it, for the slower flow, ms; `null` = the gap has not ended. */
  async resumedAfterMs(fromUs: number): Promise<number | null> {
    if (this.#flows === null) throw new Error("the flows were not started");
    const { up, down } = this.#flows;
    const toUs = await this.nowUs();
    const ends = [await up.report(fromUs, toUs), await down.report(fromUs, toUs)].map(({ gapOverMs }) => gapOverMs);
    return ends.reduce((worst, end) => (worst === null || end === null ? null : Math.max(worst, end)), 0);
  }

  /** The greatest delay error of the link emulators since the last call, µs. */
  async lateUs(): Promise<number> {
    return Math.max(...(await Promise.all(this.uplinks.map((uplink) => uplink.lateUs()))));
  }

  /** Starts an endless TCP transfer from the server to the client at this rate. Returns the receiver's tool. */
  async transfer(rateMbit: number): Promise<Tool> {
    const at = `${SERVER_V4}:${TCP_PORT}`;
    if (!this.#tcpServed) await Tool.start(this.#scope, this.#topology.server, ["tcp", "serve", "--bind", at]);
    this.#tcpServed = true;
    const words = ["tcp", "fetch", "--to", at, "--bytes", `${ENDLESS_BYTES}`, "--rate-mbit", `${rateMbit}`, "--hash", "off"];
    const receiver = await Tool.start(this.#scope, this.#topology.client, words, false);
    await tcpProgress(receiver); // the receiver answers when it is connected
    return receiver;
  }
}

/** A shorter open gap is ignored: every window of a 1 kHz flow ends with an open gap of some milliseconds. */
const OPEN_GAP_MS = 50;

/** The link that the active path uses. */
export function activeLink(session: SessionView): string {
  return session.paths.find(({ role }) => role === "active")?.label.split("/")[0] ?? "";
}

/** The link of the standby path. */
export function warmLink(session: SessionView): string {
  return session.paths.find(({ role }) => role === "warm")?.label.split("/")[0] ?? "";
}

function usable(session: SessionView): number {
  return session.paths.filter(({ role }) => role === "active" || role === "warm").length;
}

export async function tcpProgress(receiver: Tool): Promise<TcpProgress> {
  return (await receiver.ask({ op: "progress" })) as unknown as TcpProgress;
}
