/** Sections on the cost of many sessions and of a storm, with the demands and whether they are met. */
import { statesText } from "#sdk/index";
import type { ScaleResult } from "../scale/scale.ts";
import type { StormResult } from "../scale/storm.ts";
import type { Kept } from "./data.ts";
import { ms, origin, table } from "./markdown.ts";
import type { Page } from "./page.ts";

/** Bytes for an idle session, engine and JavaScript. */
const BYTES_MUST = 8_192;
const BYTES_TARGET = 4_096;
/** All sessions jump at once: time until the last one is attached again, ms, on two cores. */
const STORM_MS_MUST = 20_000;
const STORM_MS_TARGET = 5_000;
const MIB = 1_048_576;

/** A few sessions need less memory than the process gains and frees by chance. */
const bytesText = (bytes: number): string => (bytes > 0 ? `${bytes}` : "too few to tell");

export function scaleSection({ file, result }: Kept<ScaleResult>): Page {
  const { sizes, core, clients, startMs, empty } = result;
  const last = sizes.at(-1);
  const grown = sizes.map(({ sessions, bytesPerSession, heapBytesPerSession, memory, nsPerPacket, join }) => [
    `${sessions}`,
    bytesText(bytesPerSession),
    bytesText(heapBytesPerSession),
    `${(memory.rss / MIB).toFixed(0)} MiB`,
    `${nsPerPacket} ns`,
    ms(join.us / 1_000, "never"),
  ]);
  const alone = core.map(({ sessions, bytesPerSession, joinsPerSecond, jumpsPerSecond, decisionsPerSecond }) => [
    `${sessions}`,
    bytesText(bytesPerSession),
    `${joinsPerSecond}`,
    `${jumpsPerSecond}`,
    `${decisionsPerSecond}`,
  ]);
  const head = ["sessions", "bytes each, in all", "of these JavaScript", "whole process", "per received packet", "joined in"];
  return {
    text: [
      "## Size\n",
      `One gateway that knows ${clients} clients, read in ${ms(startMs, "never")}; without a session it needs ${(empty.rss / MIB).toFixed(0)} MiB.\nThe clients do real handshakes over UDP, each from its own address, and all limits of the gateway apply.\nMemory is the resident memory after a garbage collection.\nThe cost of a received packet is processor time of the packet thread, including delivery to the TUN device.\n`,
      table(head, grown),
      last === undefined ? "" : `An idle session: ${judged(last.bytesPerSession, BYTES_MUST, BYTES_TARGET, "bytes")}.\n`,
      "The core alone, by processor time:\n",
      table(["sessions", "bytes each", "joins per second", "jumps per second", "decisions per second"], alone),
      origin(result.machine, file),
    ].join("\n"),
    pictures: [],
  };
}

export function stormSection({ file, result }: Kept<StormResult>): Page {
  const { storms, clients, states } = result;
  const rows = storms.map(({ jump, reportsWaitingMost, records, recordsLost, cpuSeconds }, index) => [
    `${index + 1}`,
    ...[jump.tookUs.p50, jump.tookUs.p90, jump.tookUs.p99, jump.us].map((us) => ms(us / 1_000, "never")),
    (jump.datagrams / clients).toFixed(1),
    `${jump.unanswered}`,
    `${reportsWaitingMost}`,
    `${records}, ${recordsLost}`,
    `${cpuSeconds.core.toFixed(1)} s, ${cpuSeconds.packets.toFixed(1)} s`,
  ]);
  const head = [
    "storm",
    "p50",
    "p90",
    "p99",
    "all",
    "datagrams each",
    "attempts repeated",
    "most reports waiting",
    "records, lost",
    "processor: core, packets",
  ];
  const worst = Math.max(...storms.map(({ jump }) => jump.us / 1_000));
  return {
    text: [
      "## Storm\n",
      `All ${clients} sessions of one gateway lose their path at the same moment, and each client attaches from another address.\nTimes are times without a path, counted from the same start.\nThe clients get the processor time that the gateway leaves on the same machine; real clients have their own processors.\n`,
      table(head, rows),
      `All attached again: ${judged(worst, STORM_MS_MUST, STORM_MS_TARGET, "ms")}. The gateway's view at the end: ${statesText(states)}.\n`,
      origin(result.machine, file),
    ].join("\n"),
    pictures: [],
  };
}

function judged(value: number, must: number, target: number, unit: string): string {
  if (value > must) return `must ${must} ${unit}: missed`;
  return value > target ? `must ${must} ${unit}: reached` : `target ${target} ${unit}: reached`;
}
