/** The three instruments of a scenario: one-way flows (time), a TCP transfer (bytes) and captures (identity). */
import type { Netns } from "./ip.ts";
import type { Scope } from "./scope.ts";
import { Tool } from "./tool.ts";

/** What the receiver of a one-way flow saw in a window of time. */
export interface FlowReport {
  readonly received: number;
  readonly lost: number;
  readonly duplicates: number;
  /** Longest time between two successive arrivals, ms. It ended in the window, or was still open at its end. */
  readonly gapMs: number;
  /** Time from the window's start to the end of that gap, ms; `null` = the gap was still open. */
  readonly gapOverMs: number | null;
}

/** The fields of the native receiver's answer that are used here. */
interface ArrivalReport {
  readonly received: number;
  readonly lost: number;
  readonly duplicates: number;
  readonly gap: { readonly us: number; readonly startUs: number; readonly open: boolean };
}

/** `size`: UDP payload of each packet, bytes. `rate`: packets per second. */
interface Cadence {
  readonly size: number;
  readonly rate: number;
}

const SMALL: Cadence = { size: 200, rate: 1_000 };

/**
 * One direction of a UDP flow, by default 1 kHz. Each packet carries its number and its send time; the receiver keeps
 * the receipt times.
 */
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

  /** Reports what arrived between two times, µs of the boot clock. */
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

/** The receiver's report at the end of a transfer. */
interface TransferResult {
  readonly bytes: number;
  readonly sha256: string;
  /** Both ends have the same byte count and the same hash. */
  readonly match: boolean;
  readonly seconds: number;
}

/** One real TCP connection. The server sends pseudo-random bytes to the client; both ends hash them. */
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

  /** Number of bytes that have arrived. */
  async progress(): Promise<number> {
    return (await this.#client.ask({ op: "progress" })).bytes as number;
  }

  /** Waits for the end of the transfer, at most `limitMs`. */
  async finish(limitMs: number): Promise<TransferResult> {
    return (await this.#client.next(limitMs)) as unknown as TransferResult;
  }
}

export interface CaptureReport {
  /** Handshake initiations on UDP port 4774 with distinct ephemeral keys. */
  readonly handshakes: number;
  /** Distinct TCP connections that were opened (SYN without ACK). `resets` counts TCP resets. */
  readonly connections: number;
  readonly resets: number;
  /** Packets on an uplink that carry an unencrypted inner address. */
  readonly clear: number;
  /** The capture missed no packet; otherwise the counts are lower bounds. */
  readonly complete: boolean;
}

/** The fields of the native capture's answer that are used here. */
interface CaptureAnswer {
  readonly complete: boolean;
  readonly total: {
    readonly outer: { readonly init: { readonly distinct: number } };
    readonly tcp: { readonly syn: { readonly distinct: number }; readonly rst: number };
    readonly clear: number;
  };
}

/** Counts packets on some interfaces of one namespace, including interfaces that appear later. */
export class Capture {
  readonly #tool: Tool;

  private constructor(tool: Tool) {
    this.#tool = tool;
  }

  /** With `file`, whole packets are also written there, up to 256 MiB. The file is complete after `stop`. */
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
