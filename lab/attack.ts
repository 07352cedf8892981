import type { Netns } from "./ip.ts";
import type { Scope } from "./scope.ts";
import { Tool } from "./tool.ts";

/** What somebody on the way, without keys, sends. Source address and port are those of the recording. */
interface Injection {
  /** File of `Stage.recording`. */
  readonly recording: string;
  /** Whose datagrams: those that were sent to the gateway, or those that it sent. */
  readonly toward: "gateway" | "client";
  /** `null` = as they were. */
  readonly alter: "bit" | "body" | "counter" | null;
  readonly count: number;
  readonly perSecond: number;
  readonly backward?: boolean;
  /** First bytes of the messages, in hex; absent = all. */
  readonly types?: readonly string[];
}

/** Sends it from a namespace, to the end. Returns how many datagrams left; an error where none did. */
export async function inject(scope: Scope, from: Netns, injection: Injection): Promise<number> {
  const { recording, toward, alter, count, perSecond, backward = false, types = [] } = injection;
  const words = ["inject", "--pcap", recording, "--toward", toward === "gateway" ? "server" : "client"];
  words.push("--alter", alter ?? "none", "--order", backward ? "backward" : "forward");
  words.push("--count", `${count}`, "--rate", `${perSecond}`, ...(types.length === 0 ? [] : ["--types", types.join(",")]));
  const tool = await Tool.start(scope, from, words, false);
  const { sent, lastError } = await tool.next((count / perSecond) * 3_000 + 20_000);
  if (typeof sent !== "number" || sent === 0) throw new Error(`no datagram could be injected: ${String(lastError)}`);
  return sent;
}
