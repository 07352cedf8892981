import type { Netns } from "./ip.ts";
import type { Scope } from "./scope.ts";
import { Tool } from "./tool.ts";

/** An attack by somebody on the network path who has no keys. */
interface Injection {
  /** File of `Stage.recording`. */
  readonly recording: string;
  /** Which recorded datagrams are sent: those to the gateway, or those to the client. */
  readonly toward: "gateway" | "client";
  /**
   * What is changed in each datagram; `null` = nothing. `source` = each comes from an invented address and port, all
   * others from those of the recording.
   */
  readonly alter: "bit" | "body" | "counter" | "source" | null;
  readonly count: number;
  readonly perSecond: number;
  readonly backward?: boolean;
  /** Only messages with one of these first bytes (hex) are sent; absent = all messages. */
  readonly types?: readonly string[];
  /** Only messages of this many bytes are sent; absent = all messages. */
  readonly length?: number;
}

/** Runs the whole injection from a namespace. Returns the number of datagrams sent; throws if it is 0. */
export async function inject(scope: Scope, from: Netns, injection: Injection): Promise<number> {
  const { recording, toward, alter, count, perSecond, backward = false, types = [], length } = injection;
  const words = ["inject", "--pcap", recording, "--toward", toward === "gateway" ? "server" : "client"];
  words.push("--alter", alter ?? "none", "--order", backward ? "backward" : "forward");
  words.push("--count", `${count}`, "--rate", `${perSecond}`, ...(types.length === 0 ? [] : ["--types", types.join(",")]));
  if (length !== undefined) words.push("--length", `${length}`);
  const tool = await Tool.start(scope, from, words, false);
  const { sent, lastError } = await tool.next((count / perSecond) * 3_000 + 20_000);
  if (typeof sent !== "number" || sent === 0) throw new Error(`no datagram could be injected: ${String(lastError)}`);
  return sent;
}
