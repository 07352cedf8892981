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

/** One direction of a 1 kHz UDP flow: packet number and send time in each packet, receipt times kept by the receiver. */
export class Flow {
  readonly #receiver: Tool;
  readonly #sender: Tool;

  private constructor(receiver: Tool, sender: Tool) {
    this.#receiver = receiver;
    this.#sender = sender;
  }

  static async start(scope: Scope, from: Netns, to: Netns, address: string, port: number, seconds: number): Promise<Flow> {
    const at = address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
    const receiver = await Tool.start(scope, to, ["flow", "recv", "--bind", at]);
    const sender = await Tool.start(scope, from, [
      "flow",
      "send",
      "--to",
      at,
      "--rate",
      "1000",
      "--seconds",
      `${seconds}`,
      "--size",
      "200",
    ]);
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

export interface TransferResult {
  readonly bytes: number;
  readonly sha256: string;
  readonly seconds: number;
  readonly connections: number;
}

/** One real TCP connection that moves pseudo-random bytes from a server to the client, hashed at both ends. */
export class Transfer {
  readonly #serving: Tool;
  readonly #fetching: Tool;

  private constructor(serving: Tool, fetching: Tool) {
    this.#serving = serving;
    this.#fetching = fetching;
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
    const serving = await Tool.start(scope, server, ["tcp", "serve", "--bind", at]);
    const fetching = await Tool.start(scope, client, [
      "tcp",
      "fetch",
      "--to",
      at,
      "--bytes",
      `${bytes}`,
      "--rate-mbit",
      `${rateMbit}`,
    ]);
    return new Transfer(serving, fetching);
  }

  /** Bytes received so far. */
  async progress(): Promise<number> {
    return (await this.#fetching.ask({ op: "progress" }))["bytes"] as number;
  }

  /** Waits for the end of the transfer, at most `limitMs`, and compares both ends. */
  async finish(limitMs: number): Promise<{ received: TransferResult; match: boolean }> {
    const received = (await this.#fetching.next(limitMs)) as unknown as TransferResult;
    const sent = (await this.#serving.next()) as unknown as TransferResult;
    return { received, match: received.sha256 === sent.sha256 && received.bytes === sent.bytes };
  }
}

export interface CaptureReport {
  /** Distinct handshake initiations and answers, by their ephemeral key, on UDP port 4774. */
  readonly inits: number;
  readonly resps: number;
  /** Distinct connections opened (SYN without ACK) and reset. */
  readonly syns: number;
  readonly rsts: number;
  /** Packets on an uplink that carry an inner address in clear. */
  readonly clear: number;
  /** Packets that the kernel did not hand over: above 0 the counts are lower bounds. */
  readonly missed: number;
}

export class Capture {
  readonly #tool: Tool;

  private constructor(tool: Tool) {
    this.#tool = tool;
  }

  static async start(scope: Scope, netns: Netns, interfaces: readonly string[], inner: readonly string[]): Promise<Capture> {
    return new Capture(await Tool.start(scope, netns, ["capture", "--ifaces", interfaces.join(","), "--inner", inner.join(",")]));
  }

  async report(): Promise<CaptureReport> {
    return (await this.#tool.ask({ op: "report" })) as unknown as CaptureReport;
  }
}
