/** The three measuring instruments of a scenario: one-way flows (time), a TCP transfer (bytes) and captures (identity). */
import type { Netns } from "./ip.ts";
import type { Scope } from "./scope.ts";
import { Tool } from "./tool.ts";

/** What a receiver of a one-way flow saw in a window of time. */
export interface FlowReport {
  readonly received: number;
  readonly lost: number;
  readonly duplicates: number;
  /** Longest time between two successive arrivals that ended or was open in the window, ms. */
  readonly gapMs: number;
  /** Time from the window's start to the end of that gap, ms; `null` = it had not ended. */
  readonly gapOverMs: number | null;
}

/** The native receiver's answer, as far as it is used here. */
interface ArrivalReport {
  readonly received: number;
  readonly lost: number;
  readonly duplicates: number;
  readonly gap: { readonly us: number; readonly startUs: number; readonly open: boolean };
}

/** UDP payload of each packet, bytes, and packets per second. */
interface Cadence {
  readonly size: number;
  readonly rate: number;
}

const SMALL: Cadence = { size: 200, rate: 1_000 };

/** One direction of a UDP flow, 1 kHz unless told: packet number and send time in each packet, receipt times kept by the receiver. */
export class Flow {
  readonly #receiver: Tool;
  readonly #sender: Tool;

  private constructor(receiver: Tool, sender: Tool) {
    this.#receiver = receiver;
    this.#sender = sender;
  }

  static async start(
    scope: Scope,
    from: Netns,
    to: Netns,
    address: string,
    port: number,
    seconds: number,
    { size, rate }: Cadence = SMALL,
  ): Promise<Flow> {
    const at = address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
    const receiver = await Tool.start(scope, to, ["flow", "recv", "--bind", at]);
    const words = ["flow", "send", "--to", at, "--rate", `${rate}`, "--seconds", `${seconds}`, "--size", `${size}`];
    const sender = await Tool.start(scope, from, words, false);
    return new Flow(receiver, sender);
  }

  /** What arrived between two times, µs of the boot clock. */
  async report(fromUs: number, toUs: number): Promise<FlowReport> {
    const from = Math.round(fromUs);
    const answer = await this.#receiver.ask({ op: "report", fromUs: from, toUs: Math.round(toUs) });
    const { received, lost, duplicates, gap } = answer as unknown as ArrivalReport;
    const gapOverMs = gap.open ? null : Math.max(0, gap.startUs + gap.us - from) / 1_000;
    return { received, lost, duplicates, gapMs: gap.us / 1_000, gapOverMs };
  }

  async stop(): Promise<void> {
    await this.#sender.stop();
    await this.#receiver.stop();
  }
}

/** What the receiving end of a transfer says when it is over. */
interface TransferResult {
  readonly bytes: number;
  readonly sha256: string;
  /** Both ends counted and hashed the same. */
  readonly match: boolean;
  readonly seconds: number;
}

/** One real TCP connection that moves pseudo-random bytes from a server to the client, hashed at both ends. */
export class Transfer {
  readonly #client: Tool;

  private constructor(client: Tool) {
    this.#client = client;
  }

  static async start(
    scope: Scope,
    server: Netns,
    client: Netns,
    address: string,
    bytes: number,
    rateMbit: number,
  ): Promise<Transfer> {
    const at = address.includes(":") ? `[${address}]:7100` : `${address}:7100`;
    await Tool.start(scope, server, ["tcp", "serve", "--bind", at]);
    const words = ["tcp", "fetch", "--to", at, "--bytes", `${bytes}`, "--rate-mbit", `${rateMbit}`];
    return new Transfer(await Tool.start(scope, client, words, false));
  }

  /** Bytes that arrived so far. */
  async progress(): Promise<number> {
    return (await this.#client.ask({ op: "progress" })).bytes as number;
  }

  /** Waits for the end of the transfer, at most `limitMs`. */
  async finish(limitMs: number): Promise<TransferResult> {
    return (await this.#client.next(limitMs)) as unknown as TransferResult;
  }
}

export interface CaptureReport {
  /** Distinct handshake initiations, by their ephemeral key, on UDP port 4774. */
  readonly handshakes: number;
  /** Distinct connections opened (SYN without ACK), and resets. */
  readonly connections: number;
  readonly resets: number;
  /** Packets on an uplink that carry an inner address in clear. */
  readonly clear: number;
  /** No packet escaped; otherwise the counts are lower bounds. */
  readonly complete: boolean;
}

/** The native capture's answer, as far as it is used here. */
interface CaptureAnswer {
  readonly complete: boolean;
  readonly total: {
    readonly outer: { readonly init: { readonly distinct: number } };
    readonly tcp: { readonly syn: { readonly distinct: number }; readonly rst: number };
    readonly clear: number;
  };
}

/** Counts on some interfaces of one namespace, also those that appear later. */
export class Capture {
  readonly #tool: Tool;

  private constructor(tool: Tool) {
    this.#tool = tool;
  }

  /** With `file` whole packets are recorded there, too, up to 256 MiB; the file is complete after `stop`. */
  static async start(
    scope: Scope,
    netns: Netns,
    interfaces: readonly string[],
    inner: readonly string[],
    file?: string,
  ): Promise<Capture> {
    const prefixes = inner.length === 0 ? [] : ["--inner", inner.join(",")];
    const recording = file === undefined ? [] : ["--out", file, "--snap", "2048"];
    return new Capture(await Tool.start(scope, netns, ["capture", "--ifaces", interfaces.join(","), ...prefixes, ...recording]));
  }

  stop(): Promise<void> {
    return this.#tool.stop();
  }

  async report(): Promise<CaptureReport> {
    const { complete, total } = (await this.#tool.ask({ op: "report" })) as unknown as CaptureAnswer;
    return {
      handshakes: total.outer.init.distinct,
      connections: total.tcp.syn.distinct,
      resets: total.tcp.rst,
      clear: total.clear,
      complete,
    };
  }
}
