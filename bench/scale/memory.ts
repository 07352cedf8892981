/**
 * This module is loaded into a gateway by `--import`. On SIGUSR2 it collects garbage and writes the memory use to the
 * file that `JVPN_MEMORY` names. It is not part of the product.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

export interface Memory {
  /** Resident memory of the whole process (engine, JavaScript, program text), bytes. */
  readonly rss: number;
  readonly heapUsed: number;
  readonly heapTotal: number;
  readonly external: number;
}

const file = process.env.JVPN_MEMORY;

if (file !== undefined) {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  process.on("SIGUSR2", () => {
    collect();
    collect();
    const { heapUsed, heapTotal, external } = process.memoryUsage();
    const rss = 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
    writeFileSync(`${file}.new`, JSON.stringify({ rss, heapUsed, heapTotal, external } satisfies Memory));
    renameSync(`${file}.new`, file);
  });
}
