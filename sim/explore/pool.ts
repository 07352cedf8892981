import { spawn } from "node:child_process";
import type { Scouted } from "./scout.ts";

/** Time limit of a scout. A scout that hangs is a finding, too. */
const PATIENCE_MS = 600_000;
/** Most output of a scout, bytes. It prints one line of JSON, which is shorter. */
const OUTPUT_MAX = 1 << 22;

/** Runs `jobs` in order, at most `lanes` at the same time. */
export async function inLanes<T>(
  jobs: readonly T[],
  lanes: number,
  work: (job: T, lane: number) => Promise<void>,
): Promise<void> {
  const waiting = [...jobs];
  const lane = async (_: unknown, index: number): Promise<void> => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) await work(job, index);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** Runs one scout; `null` = it crashed, or its output is not valid. */
export function scout(script: string, scene: string, states: number): Promise<Scouted | null> {
  return new Promise((done) => {
    const child = spawn(process.execPath, ["--max-old-space-size=4096", script, scene, String(states)], {
      stdio: ["ignore", "pipe", "pipe"],
      timeout: PATIENCE_MS,
    });
    let said = "";
    child.stdout.on("data", (text: Buffer) => {
      if (said.length < OUTPUT_MAX) said += text.toString();
    });
    child.stderr.resume();
    child.on("error", () => done(null));
    child.on("close", (code) => done(code === 0 ? read(said) : null));
  });
}

function read(text: string): Scouted | null {
  try {
    return JSON.parse(text) as Scouted;
  } catch {
    return null;
  }
}
